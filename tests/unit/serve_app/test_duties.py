"""Duties go on whatever breaks in them, and end when they are called off."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import pytest

from serve_app.duties import beside, keep_doing
from serve_app.jobs.desk import RESTART_S, Desk
from serve_app.jobs.worker import Worker
from tests.eventually import until

RUNBOOK = Path(__file__).parents[3] / "docs" / "alerts.md"


async def test_what_breaks_is_done_again() -> None:
    done, twice = 0, asyncio.Event()

    async def duty() -> None:
        nonlocal done
        done += 1
        if done == 1:
            raise ConnectionError("the database went away")
        twice.set()

    task = asyncio.create_task(keep_doing(duty, 0.0))
    async with asyncio.timeout(10):
        await twice.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_call_that_whoever_was_asked_called_off_ends_no_duty() -> None:
    begun = 0

    async def duty() -> None:
        nonlocal begun
        begun += 1
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        answer.cancel()
        await answer

    task = asyncio.create_task(keep_doing(duty, 0.0))
    await until(lambda: begun > 1 or task.done())
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_breaks_because_it_was_called_off_stays_ended() -> None:
    begun = asyncio.Event()

    async def duty() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            # As a database driver does whose connection is closed under it.
            raise ConnectionError("closed in the middle") from None

    task = asyncio.create_task(keep_doing(duty, 3600.0))
    await begun.wait()
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait({task})
    assert task.cancelled()


async def test_the_log_names_the_duty_that_broke_in_the_words_of_the_runbook(caplog: pytest.LogCaptureFixture) -> None:
    class Away:
        async def run(self, why: str = "no database") -> None:
            raise ConnectionError(why)

    Away.run.__qualname__ = Worker.run.__qualname__
    told = f"{Worker.run.__qualname__} broke; again in {RESTART_S:g} s"
    for duty in (Away().run, functools.partial(Away().run, "no bucket")):
        caplog.clear()
        task = asyncio.create_task(keep_doing(duty, RESTART_S))
        await until(lambda: caplog.messages)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert caplog.messages == [told]
    for words in (told, f"{Desk._sweep.__qualname__} broke"):
        assert words in RUNBOOK.read_text(encoding="utf-8")


async def test_what_goes_on_beside_a_block_ends_with_it_and_harms_it_not() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def broken() -> None:
        raise ValueError("at once")

    async with beside(work()), beside(broken()):
        await asyncio.sleep(0)
        assert not ended.is_set()
    assert ended.is_set()
