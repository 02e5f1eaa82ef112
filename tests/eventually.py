"""Waiting in tests for what happens by itself."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(look: Callable[[], T | Awaitable[T]], within_s: float = 20.0) -> T:
    """What ``look`` gives as soon as that is true of anything; it may have to be awaited. Raises ``TimeoutError``."""
    async with asyncio.timeout(within_s):
        while True:
            seen = look()
            if found := (await seen if inspect.isawaitable(seen) else seen):
                return found
            await asyncio.sleep(0.005)


def at_last(look: Callable[[], T], within_s: float = 20.0) -> T:
    """What ``look`` gives as soon as that is true, in a test without a loop. Raises ``TimeoutError``."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    return found
