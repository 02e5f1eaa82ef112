"""Background work: done over and over until its task is cancelled, whatever breaks in between."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)

Duty = Callable[[], Awaitable[object]]


def called_off() -> bool:
    """Whether the current task was cancelled.

    An error on the way out (of a transaction, say) takes the place of the ``CancelledError``. Code that catches errors in
    order to carry on asks here first whether it should.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def beside(*works: Coroutine[None, None, object]) -> AsyncIterator[None]:
    """``works`` go on until the block ends, and are called off then; what they raise harms nobody."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def keep_doing(duty: Duty, pause_s: float) -> None:
    """Do a duty now, and again ``pause_s`` seconds after it ended or failed, until the task is cancelled."""
    while True:
        try:
            await duty()
        # Also a cancellation of somebody else's, such as of a call that whoever was asked called off.
        except (Exception, asyncio.CancelledError) as error:
            if called_off():
                raise asyncio.CancelledError from error
            what = duty.func if isinstance(duty, functools.partial) else duty
            log.exception("%s broke; again in %g s", getattr(what, "__qualname__", what), pause_s)
        await asyncio.sleep(pause_s)
