"""Duties go on whatever breaks in them, and end when they are called off."""

from __future__ import annotations

import asyncio

import pytest

from serve_app.duties import keep_doing


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
