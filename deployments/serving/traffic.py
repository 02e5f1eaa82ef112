"""How the versions of a slot fared lately: what automatic rollback is decided on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

from deployments.quantiles import quantile

WINDOW_S = 120.0
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of one version within the window; ``failed`` were not the client's fault. Latency in seconds."""

    requests: int = 0
    failed: int = 0
    p50_s: float = 0.0
    p95_s: float = 0.0

    def __add__(self, other: Traffic) -> Traffic:
        """Both together; the quantiles, which cannot be added, are the mean weighted by requests."""
        requests = self.requests + other.requests
        if not requests:
            return self
        weigh = self.requests / requests
        return Traffic(
            requests,
            self.failed + other.failed,
            weigh * self.p50_s + (1 - weigh) * other.p50_s,
            weigh * self.p95_s + (1 - weigh) * other.p95_s,
        )


class TrafficWindow:
    """Counts per version over the last ``span_s`` seconds. For one event loop."""

    def __init__(self, span_s: float = WINDOW_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._span_s = span_s
        self._clock = clock
        self._seen: dict[str, deque[tuple[float, float, bool]]] = {}

    def add(self, model: str, latency_s: float, *, failed: bool) -> None:
        """One request that ``model`` (``name@version``) answered or failed to answer."""
        self._seen.setdefault(model, deque(maxlen=_MOST)).append((self._clock(), latency_s, failed))

    def forget(self, model: str) -> None:
        """Count the requests of ``model`` from now on."""
        self._seen.pop(model, None)

    def summary(self) -> dict[str, Traffic]:
        """What is within the window now, by version."""
        horizon = self._clock() - self._span_s
        for seen in self._seen.values():
            while seen and seen[0][0] < horizon:
                seen.popleft()
        self._seen = {model: seen for model, seen in self._seen.items() if seen}
        return {model: _summed(seen) for model, seen in self._seen.items()}


def _summed(seen: deque[tuple[float, float, bool]]) -> Traffic:
    latencies = [latency for _, latency, _ in seen]
    failed = sum(failure for *_, failure in seen)
    return Traffic(len(seen), failed, quantile(latencies, 0.5), quantile(latencies, 0.95))


def total(reports: list[dict[str, Traffic]]) -> dict[str, Traffic]:
    """The traffic of several replicas together."""
    summed: dict[str, Traffic] = {}
    for model, traffic in chain.from_iterable(report.items() for report in reports):
        summed[model] = summed.get(model, Traffic()) + traffic
    return summed
