"""How much of an engine's time went into decoding pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_laps: ContextVar[list[float] | None] = ContextVar("decoding", default=None)


@contextmanager
def watched() -> Iterator[list[float]]:
    """Yields a list that receives the seconds of every decoding in the block."""
    laps: list[float] = []
    token = _laps.set(laps)
    try:
        yield laps
    finally:
        _laps.reset(token)


@contextmanager
def decoding() -> Iterator[None]:
    """The block decodes; its seconds go to whoever watches."""
    laps = _laps.get()
    if laps is None:
        yield
        return
    began = time.perf_counter()
    try:
        yield
    finally:
        laps.append(time.perf_counter() - began)
