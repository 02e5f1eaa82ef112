"""Dynamic batches without waiting: what queues up while the engine is busy goes into its next run.

Serve's own ``@serve.batch`` closes a batch when its wait time is over, whether the engine is free or not; with no wait
time, which is what a lone request wants, every request is a batch of its own and nothing is ever gained under load.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from deployments.errors import Busy
from deployments.serving.load import Load, LoadMeter

# Who would have to wait longer is asked to come back: a queue that only grows helps nobody, and has to be worked off
# before those who come after the rush are served.
QUEUE_S = 5.0

Query = TypeVar("Query")
Outcome = TypeVar("Outcome")


class Batcher(Generic[Query, Outcome]):
    """Hands queries of one event loop to ``run``, at most ``max_batch`` at a time and one batch after the other.

    ``run`` answers every query of its batch, in order; an exception in place of an outcome is raised to the one who
    asked. Somebody who stopped waiting before their batch began costs nothing. Beyond the next batch a queue is as long as
    the engine works off in ``queue_s`` seconds.
    """

    def __init__(
        self,
        run: Callable[[list[Query]], Awaitable[list[Outcome | Exception]]],
        max_batch: int,
        queue_s: float = QUEUE_S,
    ) -> None:
        self._run = run
        self._queue_s = queue_s
        self._max_batch = max_batch
        self._waiting: deque[tuple[Query, asyncio.Future[Outcome], float]] = deque()
        self._meter = LoadMeter()
        self._drain: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Queries that no batch has taken yet."""
        return len(self._waiting)

    async def submit(self, query: Query) -> Outcome:
        """The outcome for ``query``. Raises what ``run`` gave for it, or ``Busy`` at once when the queue is too long."""
        self._refuse_beyond_queue()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((query, future, self._meter.now()))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._work())
        return await future

    def load(self) -> Load:
        """How busy this replica has been lately, for the autoscaler."""
        return self._meter.load(sum(not future.done() for _, future, _ in self._waiting))

    def _refuse_beyond_queue(self) -> None:
        if len(self._waiting) < self._max_batch:
            return
        waiting = sum(not future.done() for _, future, _ in self._waiting)
        wait_s = waiting * self._meter.service_s
        if waiting >= self._max_batch and wait_s >= self._queue_s:
            raise Busy("Too many pictures are waiting for this right now.", retry_after=max(1, math.ceil(wait_s)))

    async def _work(self) -> None:
        while self._waiting:
            batch: list[tuple[Query, asyncio.Future[Outcome]]] = []
            arrivals: list[float] = []
            while self._waiting and len(batch) < self._max_batch:
                query, future, arrived = self._waiting.popleft()
                if not future.done():
                    batch.append((query, future))
                    arrivals.append(arrived)
            if batch:
                self._meter.begin(arrivals)
                await self._answer(batch)
                self._meter.end()

    async def _answer(self, batch: list[tuple[Query, asyncio.Future[Outcome]]]) -> None:
        outcomes: list[Outcome | Exception]
        try:
            outcomes = await self._run([query for query, _ in batch])
        except Exception as error:
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
