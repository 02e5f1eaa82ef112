"""Calling a deployment: one deadline for all tries, retries where a replica died, errors in the product's words."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ray.exceptions import RayActorError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, RequestCancelledError

from deployments.errors import Busy, MasqueradeError, Unavailable
from serve_app.telemetry.metrics import metrics

T = TypeVar("T")

# Serve needs a moment to notice that a replica is gone; the first retry usually lands on another one.
RETRY_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
RETRY_FOR_S = 15.0
"""Long enough for a deployment's only replica to be replaced, which takes four seconds, or eight on a slow machine."""

RETRY_AFTER_S = 2
"""When to come back to full queues, where the deployment's configuration does not say."""

_REPLICA_LOST = (RayActorError, RequestCancelledError)


async def call(remote: Callable[[], Awaitable[T]], *, deadline_s: float, what: str) -> T:
    """Await ``remote()`` (idempotent: every call of this graph is), for at most ``deadline_s`` seconds in all.

    A replica that dies in the middle is retried; full queues become :class:`Busy`; a missed deadline or a deployment
    that is not there becomes :class:`Unavailable`; an error the engine raised comes back as itself. Every call is counted
    and timed.
    """
    began, outcome = time.perf_counter(), "ok"
    try:
        return await uncounted(remote, deadline_s=deadline_s, what=what)
    except MasqueradeError as error:
        outcome = error.slug
        raise
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    except Exception:
        outcome = MasqueradeError.slug
        raise
    finally:
        metrics().calls.inc(tags={"deployment": what, "outcome": outcome})
        metrics().call_seconds.observe(time.perf_counter() - began, tags={"deployment": what})


async def uncounted(remote: Callable[[], Awaitable[T]], *, deadline_s: float, what: str) -> T:
    """As :func:`call`, for what the studio asks for itself: in the figures stands what people asked for."""
    pauses = itertools.chain(RETRY_PAUSES_S, itertools.repeat(RETRY_PAUSES_S[-1]))
    retries_end = time.monotonic() + min(RETRY_FOR_S, deadline_s)
    try:
        async with asyncio.timeout(deadline_s):
            while True:
                try:
                    return await _unwrapped(remote)
                except _REPLICA_LOST:
                    pause = next(pauses)
                    if time.monotonic() + pause > retries_end:
                        raise
                    metrics().retries.inc(tags={"deployment": what})
                    await asyncio.sleep(pause)
    except BackPressureError as error:
        retry_after = math.ceil(error.retry_after_s or RETRY_AFTER_S)
        raise Busy(f"Too many people are using {what} right now.", retry_after=retry_after) from error
    except TimeoutError as error:
        raise Unavailable(f"{what.capitalize()} took too long.", retry_after=10) from error
    except (*_REPLICA_LOST, DeploymentUnavailableError) as error:
        raise Unavailable(f"{what.capitalize()} is restarting.", retry_after=5) from error


async def _unwrapped(remote: Callable[[], Awaitable[T]]) -> T:
    try:
        return await remote()
    except RayTaskError as error:
        if isinstance(error.cause, MasqueradeError):
            raise error.cause from None
        raise
