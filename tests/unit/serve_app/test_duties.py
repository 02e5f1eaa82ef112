"""What is to be done again and again survives what breaks, and ends when it is called off."""

from __future__ import annotations

import asyncio

from serve_app.duties import keep_doing


async def ended(task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(5):
        await asyncio.gather(task, return_exceptions=True)


async def test_what_breaks_is_done_again() -> None:
    done: list[int] = []
    enough = asyncio.Event()

    async def duty() -> None:
        done.append(len(done))
        if len(done) < 3:
            raise RuntimeError("out of reach")
        enough.set()

    task = asyncio.create_task(keep_doing(duty, 0.0))
    await enough.wait()
    task.cancel()
    await ended(task)
    assert done[:3] == [0, 1, 2]


async def test_what_breaks_while_it_is_called_off_is_not_done_again() -> None:
    begun: list[int] = []
    at_it = asyncio.Event()

    async def duty() -> None:
        begun.append(1)
        at_it.set()
        try:
            await asyncio.sleep(3600)
        finally:
            raise OSError("the way out is closed as well")

    task = asyncio.create_task(keep_doing(duty, 0.0))
    await at_it.wait()
    task.cancel()
    await ended(task)
    assert begun == [1]
