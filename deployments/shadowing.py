"""A shadow version at work: sampled requests computed once more off the request path, compared, and never shown."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from deployments.comparison import Comparison, compare
from deployments.slots import Slot

Q = TypeVar("Q")
R = TypeVar("R")

# A shadow that falls behind skips requests; it never makes one wait, and holds no more answers than these.
BACKLOG = 4

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShadowSummary:
    """What was seen of a shadow since it began. ``similarity`` and ``delta`` are means, the times sums in seconds."""

    model: str
    compared: int = 0
    disagreed: int = 0
    failed: int = 0
    dropped: int = 0
    similarity: float | None = None
    delta: float = 0.0
    own_s: float = 0.0
    stable_s: float = 0.0

    def with_comparison(self, seen: Comparison, own_s: float, stable_s: float) -> ShadowSummary:
        """One more request computed by both."""
        count = self.compared + 1
        similarity = self.similarity
        if seen.similarity is not None:
            similarity = ((self.similarity or 0.0) * self.compared + seen.similarity) / count
        return replace(
            self,
            compared=count,
            disagreed=self.disagreed + seen.disagree,
            similarity=similarity,
            delta=(self.delta * self.compared + seen.delta) / count,
            own_s=self.own_s + own_s,
            stable_s=self.stable_s + stable_s,
        )


class Shadowing(Generic[Q, R]):
    """Feeds a slot's shadow. For one event loop."""

    def __init__(self, slot: Slot[Q, R], draw: Callable[[], float] = random.random) -> None:
        self._slot = slot
        self._draw = draw
        self._queue: asyncio.Queue[tuple[Q, R, float]] = asyncio.Queue(BACKLOG)
        self._task: asyncio.Task[None] | None = None
        self._summary: ShadowSummary | None = None

    @property
    def summary(self) -> ShadowSummary | None:
        """What is known of the present shadow; None while there is none."""
        second = self._slot.status.second
        if second is None or second.role != "shadow":
            return None
        if self._summary is None or self._summary.model != second.models.model:
            self._summary = ShadowSummary(second.models.model)
        return self._summary

    def offer(self, query: Q, answer: R, stable_s: float, *, busy: bool) -> None:
        """Perhaps compute ``query`` again; ``answer`` is the stable version's. Dropped when ``busy`` or behind."""
        if self._draw() * 100 >= self._slot.shadow_percent:
            return
        summary = self.summary
        if summary is None:
            return
        if busy or self._queue.full():
            self._summary = replace(summary, dropped=summary.dropped + 1)
            return
        self._queue.put_nowait((query, answer, stable_s))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while not self._queue.empty():
            query, answer, stable_s = self._queue.get_nowait()
            try:
                with self._slot.lease_shadow() as lease:
                    began = time.perf_counter()
                    (other,) = await asyncio.wrap_future(lease.submit([query]))
                    own_s = time.perf_counter() - began
                    model = lease.model
                seen = await asyncio.to_thread(compare, answer, other)
            except LookupError:
                continue
            except Exception:
                log.exception("the shadow failed")
                if (summary := self.summary) is not None:
                    self._summary = replace(summary, failed=summary.failed + 1)
                continue
            if (summary := self.summary) is not None and summary.model == model:
                self._summary = summary.with_comparison(seen, own_s, stable_s)
