"""Contenders measured in turns, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The times of one contender in milliseconds, in the order of the rounds."""

    times: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.times)


def alternate(
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, Spread]:
    """Let every contender run once a round, after once to warm up.

    The clock is the CPU time of this process unless another is given.
    """
    for run in contenders.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            began = clock()
            run()
            times[name].append((clock() - began) * 1000)
    return {name: Spread(tuple(taken)) for name, taken in times.items()}


def ratio(slow: Spread, fast: Spread) -> float:
    """How many times as long ``slow`` takes: the median over the rounds, each of which ran both."""
    return statistics.median(one / other for one, other in zip(slow.times, fast.times, strict=True))
