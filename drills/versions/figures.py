"""Which version was live when, and the figures a drill is judged by."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from benchmarks.figures import Figure, never
from benchmarks.load import Answered, Load


@dataclass(slots=True)
class Chronicle:
    """The versions that were meant to answer, each from the decision for it until its successor had taken over."""

    model: str
    spans: list[tuple[str, float, float]] = field(default_factory=list)

    def began(self, version: str) -> None:
        """It was decided for ``version`` just now."""
        self.spans.append((f"{self.model}@{version}", time.perf_counter(), float("inf")))

    def settled(self) -> None:
        """The version decided for last has taken over: those before it are over."""
        now = time.perf_counter()
        *earlier, last = self.spans
        self.spans = [(ref, start, min(end, now)) for ref, start, end in earlier] + [last]

    @property
    def versions(self) -> list[str]:
        """Those that were decided for, in order; the last one is meant to answer now."""
        return [ref.partition("@")[2] for ref, _, _ in self.spans]

    def strangers(self, load: Load) -> list[Answered]:
        """Those answered by a version that was not live at any moment between their due time and their end."""
        return [request for request in load.answers if request.status == 200 and not self._live(request)]

    def _live(self, request: Answered) -> bool:
        return any(
            ref == request.model and start <= request.ended and request.due <= end for ref, start, end in self.spans
        )


def figures(load: Load, chronicle: Chronicle, quiet_p99_ms: float | None = None) -> list[Figure]:
    """What every part is held to; the latency only where ``quiet_p99_ms`` is given."""
    for request in load.lost[:5]:
        print(f"  failed: {request.status} {request.detail[:300]}")
    found = [
        Figure("requests", len(load.answers), 1),
        never("failed requests", load.failed),
        never("answers by a version that was not live", len(chronicle.strangers(load))),
        Figure("p50", load.quantile(0.5), unit="ms"),
    ]
    p99 = load.quantile(0.99)
    if quiet_p99_ms is None:
        return [*found, Figure("p99", p99, unit="ms")]
    bar = round(quiet_p99_ms + 100)
    return [*found, Figure("p99, at most 100 ms over the quiet one", p99, bar, "ms", higher_is_better=False)]
