"""The manual clock: nobody wakes before their time."""

from __future__ import annotations

import asyncio

from bot.playground.clock import ManualClock, SystemClock, happens_within


async def sleepers(clock: ManualClock, *seconds: float) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(clock.sleep(pause)) for pause in seconds]
    await asyncio.sleep(0)
    return tasks


async def test_sleepers_wake_when_their_time_has_come() -> None:
    clock = ManualClock(100)
    short, long = await sleepers(clock, 1, 2)
    clock.advance(1.5)
    await short
    assert not long.done()
    clock.advance(0.5)
    await long
    assert clock.time() == 102


async def test_a_sleeper_that_gave_up_is_skipped() -> None:
    clock = ManualClock()
    (task,) = await sleepers(clock, 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    clock.advance(5)


async def test_an_event_happens_in_time_or_not() -> None:
    clock, event = ManualClock(), asyncio.Event()
    waiting = asyncio.create_task(happens_within(event, 10, clock))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.advance(10)
    assert await waiting is False
    event.set()
    assert await happens_within(event, 10, clock) is True


async def test_the_machines_clock_moves_by_itself() -> None:
    clock = SystemClock()
    before = clock.time()
    await clock.sleep(0.001)
    assert clock.time() > before
