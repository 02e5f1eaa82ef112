"""How the work on a job reports its progress, and learns that nobody wants it any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Report = Callable[[float], Awaitable[bool]]

_report: ContextVar[Report | None] = ContextVar("report", default=None)


class Withdrawn(Exception):
    """The job was withdrawn, or another worker has it: stop, there is nobody to take the result."""


@contextmanager
def reporting(report: Report) -> Iterator[None]:
    """The block works on a job; ``report`` takes the share done and says whether the job still is this worker's."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


async def tell(share: float) -> None:
    """Say how much of the current job is done, 0..1. Raises :class:`Withdrawn`; outside a job nobody listens."""
    report = _report.get()
    if report is not None and not await report(share):
        raise Withdrawn
