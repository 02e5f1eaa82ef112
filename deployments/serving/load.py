"""How busy a replica is: engine seconds done, queries waiting and how long they waited, over the last seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WINDOW_S = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """``busy`` is the share of the window the engine ran (0..1), ``waiting`` the queries not begun yet.

    ``service_s`` is the engine time per query in its batches, ``queue_s`` the longest that a query begun in the window
    had waited; both 0 while nothing ran.
    """

    busy: float
    waiting: int
    service_s: float
    queue_s: float


def together(loads: Sequence[Load]) -> Load:
    """The load of a replica that has several queues, such as one for a canary; each query's time counts by the work."""
    busy = sum(load.busy for load in loads)
    weighted = sum(load.service_s * load.busy for load in loads)
    return Load(
        busy=min(1.0, busy),
        waiting=sum(load.waiting for load in loads),
        service_s=weighted / busy if busy else max(load.service_s for load in loads),
        queue_s=max(load.queue_s for load in loads),
    )


@dataclass(frozen=True, slots=True)
class _Batch:
    began: float
    ended: float
    queries: int
    waited: float


class LoadMeter:
    """Notes batches and forgets those that ended more than ``WINDOW_S`` ago. Used from one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._batches: deque[_Batch] = deque()
        self._running: _Batch | None = None
        self._service_s = 0.0

    @property
    def service_s(self) -> float:
        """Engine time of a query lately; 0 until one is done."""
        return self._service_s

    def now(self) -> float:
        return self._clock()

    def begin(self, arrivals: list[float]) -> None:
        """A batch of queries that arrived at these times (as :meth:`now` told them) begins."""
        now = self._clock()
        self._running = _Batch(now, now, len(arrivals), now - min(arrivals))

    def end(self) -> None:
        """The batch that runs is done."""
        if (batch := self._running) is not None:
            ended = self._clock()
            self._batches.append(_Batch(batch.began, ended, batch.queries, batch.waited))
            took_s = (ended - batch.began) / batch.queries
            self._service_s = took_s if self._service_s == 0 else 0.8 * self._service_s + 0.2 * took_s
            self._running = None

    def load(self, waiting: int) -> Load:
        """The window that ends now, with so many queries ``waiting``."""
        now = self._clock()
        since = now - WINDOW_S
        while self._batches and self._batches[0].ended <= since:
            self._batches.popleft()
        done = list(self._batches)
        seen = done if self._running is None else [*done, self._running]
        spent = sum((now if batch is self._running else batch.ended) - max(batch.began, since) for batch in seen)
        queries = sum(batch.queries for batch in done)
        return Load(
            # Over the whole window, even before it has passed: half a second's work right after the start says nothing.
            busy=min(1.0, spent / WINDOW_S),
            waiting=waiting,
            service_s=sum(batch.ended - batch.began for batch in done) / queries if queries else 0.0,
            queue_s=max((batch.waited for batch in seen), default=0.0),
        )
