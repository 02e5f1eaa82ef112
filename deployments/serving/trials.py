"""The version beside the stable one at work on the same requests: computed once more off the request path, compared.

A shadow computes a sample of what the stable version answered. What a canary answered the stable version computes once
more where verdicts are at stake: how many requests fail and how long they take says nothing of a doorman who lets
everybody in. Nobody sees either, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Generic, TypeVar

from deployments.errors import MasqueradeError
from deployments.serving.comparison import Comparison, compare
from deployments.slots import ModelSet, NotLoaded, Role, Slot

Q = TypeVar("Q")
R = TypeVar("R")

# What falls behind is skipped; it never makes a request wait, and holds no more answers than these.
BACKLOG = 4

WINDOW = 500
"""A trial is judged by this many of its latest requests: what a version once was says little of what it is."""

CANARY_PERCENT = 25.0
"""Of all requests at most this share is computed twice, however many users a canary has."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrialSummary:
    """What was seen of the version on trial lately. ``similarity`` and ``delta`` are means, the times sums in seconds.

    ``own_s`` is the time of the version on trial, ``stable_s`` that of the stable one; ``failed`` counts a shadow's
    failures (a canary's are in its traffic), ``dropped`` what was skipped since the trial began.
    """

    model: str
    role: Role = "shadow"
    compared: int = 0
    disagreed: int = 0
    failed: int = 0
    dropped: int = 0
    similarity: float | None = None
    delta: float = 0.0
    own_s: float = 0.0
    stable_s: float = 0.0

    def __add__(self, other: TrialSummary) -> TrialSummary:
        """The same trial on two replicas."""
        compared = self.compared + other.compared
        weigh = self.compared / compared if compared else 0.0
        similarities = [summary for summary in (self, other) if summary.similarity is not None]
        weights = sum(summary.compared for summary in similarities)
        return TrialSummary(
            self.model,
            self.role,
            compared,
            self.disagreed + other.disagreed,
            self.failed + other.failed,
            self.dropped + other.dropped,
            sum((entry.similarity or 0.0) * entry.compared for entry in similarities) / weights if weights else None,
            weigh * self.delta + (1 - weigh) * other.delta,
            self.own_s + other.own_s,
            self.stable_s + other.stable_s,
        )


@dataclass(frozen=True, slots=True)
class _Task(Generic[Q, R]):
    """A request that was answered by ``model`` in so many seconds."""

    query: Q
    answer: R
    took_s: float
    model: str
    by_canary: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """One request computed by both; ``comparison`` is None when the shadow failed."""

    comparison: Comparison | None
    own_s: float = 0.0
    stable_s: float = 0.0


class Trial(Generic[Q, R]):
    """Compares whatever stands beside a slot's stable version with it. For one event loop."""

    def __init__(self, slot: Slot[Q, R], *, canaries: bool = False, draw: Callable[[], float] = random.random) -> None:
        """``canaries``: what a canary answered is computed by the stable version, too."""
        self._slot = slot
        self._canaries = canaries
        self._draw = draw
        self._queue: asyncio.Queue[_Task[Q, R]] = asyncio.Queue(BACKLOG)
        self._working: asyncio.Task[None] | None = None
        self._of: tuple[ModelSet, Role] | None = None
        self._seen: deque[_Seen] = deque(maxlen=WINDOW)
        self._dropped = 0

    @property
    def summary(self) -> TrialSummary | None:
        """What is known of the present trial; None while there is none."""
        if (tried := self._tried) is None:
            return None
        models, role = tried
        return (
            _summed(models.model, role, self._seen, self._dropped)
            if self._of == tried
            else TrialSummary(models.model, role)
        )

    def follow(self) -> None:
        """Forget what was seen of a trial that is over: a version tried again, repaired perhaps, is not judged by that."""
        if self._of != (tried := self._tried):
            self._of = tried
            self._seen.clear()
            self._dropped = 0

    @property
    def _tried(self) -> tuple[ModelSet, Role] | None:
        """What is on trial now, and as what."""
        second = self._slot.status.second
        if second is not None and (second.role == "shadow" or (second.role == "canary" and self._canaries)):
            return second.models, second.role
        return None

    def offer(self, query: Q, answer: R, took_s: float, *, model: str, by_canary: bool, busy: bool) -> None:
        """Perhaps compute ``query``, which ``model`` has answered, once more. Skipped when ``busy`` or behind."""
        self.follow()
        if (tried := self._tried) is None:
            return
        models, role = tried
        if by_canary != (role == "canary") or (by_canary and model != models.model):
            return
        whole = max(CANARY_PERCENT, self._slot.percent("canary"))
        share = 100 * CANARY_PERCENT / whole if by_canary else self._slot.percent("shadow")
        if self._draw() * 100 >= share:
            return
        if busy or self._queue.full():
            self._dropped += 1
            return
        self._queue.put_nowait(_Task(query, answer, took_s, model, by_canary))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while not self._queue.empty():
            task = self._queue.get_nowait()
            try:
                with self._slot.lease() if task.by_canary else self._slot.lease_shadow() as lease:
                    began = time.perf_counter()
                    (other,) = await asyncio.wrap_future(lease.submit([task.query]))
                    other_s = time.perf_counter() - began
                    tried = task.model if task.by_canary else lease.model
                seen = await asyncio.to_thread(compare, task.answer, other)
            except NotLoaded:
                continue
            except Exception as error:
                if isinstance(error, MasqueradeError) and error.status < 500:
                    # A style that only the other version has, say: no request that both can answer.
                    continue
                log.exception("%s could not be compared", task.model if task.by_canary else "the shadow")
                self.follow()
                if not task.by_canary and self._tried is not None:
                    self._seen.append(_Seen(None))
                continue
            self.follow()
            if (now := self._tried) is not None and now[0].model == tried:
                own_s, stable_s = (task.took_s, other_s) if task.by_canary else (other_s, task.took_s)
                self._seen.append(_Seen(seen, own_s, stable_s))


def together(replicas: Sequence[TrialSummary | None]) -> TrialSummary | None:
    """What several replicas saw of the trial that the first of them sees; None when none of them sees one."""
    seen = [summary for summary in replicas if summary is not None]
    same = [summary for summary in seen if (summary.model, summary.role) == (seen[0].model, seen[0].role)]
    return reduce(add, same) if same else None


def _summed(model: str, role: Role, seen: deque[_Seen], dropped: int) -> TrialSummary:
    compared = [entry.comparison for entry in seen if entry.comparison is not None]
    similarities = [comparison.similarity for comparison in compared if comparison.similarity is not None]
    return TrialSummary(
        model,
        role,
        compared=len(compared),
        disagreed=sum(comparison.disagree for comparison in compared),
        failed=len(seen) - len(compared),
        dropped=dropped,
        similarity=sum(similarities) / len(similarities) if similarities else None,
        delta=sum(comparison.delta for comparison in compared) / max(1, len(compared)),
        own_s=sum(entry.own_s for entry in seen),
        stable_s=sum(entry.stable_s for entry in seen),
    )
