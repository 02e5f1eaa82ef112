"""Time as a dependency, so that a day of redeliveries passes in a test without waiting for it."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Any, Protocol

# Some fixed moment (2025-06-15); messages carry dates, and a test's dates should be the same every day.
_MANUAL_START = 1_750_000_000.0


class Clock(Protocol):
    """What the server knows of time."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once this clock has moved on by so many seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is told to advance."""

    def __init__(self, start: float = _MANUAL_START) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        if seconds <= 0:
            woken.set_result(None)
        else:
            heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many wait for this clock."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def advance(self, seconds: float) -> None:
        """Move on and wake whoever slept until then; they run when the caller next awaits."""
        self._now += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


async def happens_within(event: asyncio.Event, seconds: float, clock: Clock) -> bool:
    """Wait for an event for so many of the clock's seconds; whether it came."""
    waits: set[asyncio.Future[Any]] = {
        asyncio.ensure_future(event.wait()),
        asyncio.ensure_future(clock.sleep(seconds)),
    }
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return event.is_set()
