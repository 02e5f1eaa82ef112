"""Faults on demand: refusals, server errors, lost connections, delays, updates delivered again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["proceed", "too_many_requests", "server_error", "cut_before", "cut_after"]


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares are of the requests that send or edit messages, 0..1; the same seed makes the same decisions.

    ``cut_before`` loses the request, ``cut_after`` does what was asked and loses the answer. ``deliveries`` is the most
    often any one update is delivered, the repetitions up to ``redelivery_spread`` seconds later. ``latency`` is the
    range, in seconds, that every answer but a long poll's is delayed by.
    """

    seed: int = 0
    too_many_requests: float = 0.0
    server_error: float = 0.0
    cut_before: float = 0.0
    cut_after: float = 0.0
    latency: tuple[float, float] = (0.0, 0.0)
    deliveries: int = 1
    redelivery_spread: float = 3.0


@dataclass(slots=True)
class Injector:
    """Decides what goes wrong next and counts what it did."""

    faults: Faults
    counts: dict[str, int] = field(default_factory=dict)
    _requests: random.Random = field(init=False)
    _delays: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._requests = random.Random(f"{self.faults.seed}/requests")  # noqa: S311 - repeatable, not secret
        self._delays = random.Random(f"{self.faults.seed}/delays")  # noqa: S311

    def next_outcome(self) -> Outcome:
        draw = self._requests.random()
        shares: tuple[tuple[Outcome, float], ...] = (
            ("too_many_requests", self.faults.too_many_requests),
            ("server_error", self.faults.server_error),
            ("cut_before", self.faults.cut_before),
            ("cut_after", self.faults.cut_after),
        )
        for outcome, share in shares:
            if draw < share:
                self.counts[outcome] = self.counts.get(outcome, 0) + 1
                return outcome
            draw -= share
        return "proceed"

    def next_delay(self) -> float:
        low, high = self.faults.latency
        return self._delays.uniform(low, high) if high > 0 else 0.0

    def repeats(self, update_id: int) -> list[float]:
        """After how many seconds to deliver this update again: none, one or more times."""
        if self.faults.deliveries <= 1:
            return []
        dice = random.Random(f"{self.faults.seed}/update/{update_id}")  # noqa: S311
        times = dice.randint(0, self.faults.deliveries - 1)
        self.counts["repeated"] = self.counts.get("repeated", 0) + times
        return sorted(dice.uniform(0, self.faults.redelivery_spread) for _ in range(times))
