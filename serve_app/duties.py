"""Work that goes on as long as its process does, whatever breaks in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

Duty = Callable[[], Awaitable[object]]


async def keep_doing(duty: Duty, pause_s: float) -> None:
    """Do ``duty`` now, and again ``pause_s`` seconds after each time it ended or broke, until cancelled.

    What breaks is logged. What breaks while it is called off stays ended: a database driver may raise an error of its own
    in the place of a cancellation.
    """
    task = asyncio.current_task()
    while True:
        try:
            await duty()
        except Exception as error:
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from error
            log.exception("%s broke; again in %g s", getattr(duty, "__qualname__", duty), pause_s)
        await asyncio.sleep(pause_s)
