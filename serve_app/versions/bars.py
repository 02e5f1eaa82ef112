"""When a version is taken back without being asked: the bars, and what is measured against them."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.shadowing import ShadowSummary
from deployments.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Bars:
    """A version is only judged on ``enough`` requests, and a promoted one for ``watch_s`` seconds.

    It falls when more than ``failures`` of its requests fail, and twice as many as the other version's; when its 95th
    percentile is ``slower`` times the other's and at least ``noticed_s`` longer (``slower_than_before`` times for a
    promoted one, whose predecessor ran at another time and perhaps on a calmer machine, and not before ``burst_s``); or
    when as a shadow it disagrees with more than ``disagreement`` of the stable version's verdicts.
    """

    enough: int = 20
    failures: float = 0.05
    slower: float = 3.0
    slower_than_before: float = 10.0
    noticed_s: float = 0.25
    disagreement: float = 0.05
    watch_s: float = 600.0
    burst_s: float = 60.0

    def against(self, version: Traffic, other: Traffic, slower: float | None = None) -> str | None:
        """Why ``version`` falls beside ``other``, or None.

        ``other`` is the traffic of the stable version at the same time; or of its predecessor earlier, and then
        ``slower`` says how many times as slow, in the median too, is too slow.
        """
        if version.requests < self.enough:
            return None
        rate, usual = (traffic.failed / max(1, traffic.requests) for traffic in (version, other))
        if rate > max(self.failures, 2 * usual):
            return (
                f"{version.failed} of {version.requests} requests failed ({rate:.0%}, {self.failures:.0%} is the bar; "
                f"{usual:.0%} on the other version)"
            )
        bar = slower or self.slower
        late = version.p95_s > bar * other.p95_s and version.p95_s > other.p95_s + self.noticed_s
        if slower is not None:
            # A burst of load moves the tail; a version that is slower moves the middle as well.
            late = late and version.p50_s > bar * other.p50_s
        if late and other.requests >= self.enough:
            return (
                f"its 95th percentile is {version.p95_s:.2f} s against {other.p95_s:.2f} s on the other version "
                f"({bar:g} times is the bar)"
            )
        return None

    def after(self, elapsed_s: float, version: Traffic, before: Traffic) -> str | None:
        """Why a version that was promoted ``elapsed_s`` ago falls beside what its predecessor was ``before``, or None."""
        slower = self.slower_than_before if elapsed_s >= self.burst_s else float("inf")
        return self.against(version, before, slower)

    def shadowed(self, shadow: ShadowSummary, *, verdicts: bool) -> str | None:
        """Why a shadow falls, or None. ``verdicts``: a disagreement is about what people may see."""
        tried = shadow.compared + shadow.failed
        if tried < self.enough:
            return None
        if shadow.failed > self.failures * tried:
            return f"as a shadow it failed {shadow.failed} of {tried} requests"
        if verdicts and shadow.disagreed > self.disagreement * shadow.compared:
            return f"as a shadow it disagreed with {shadow.disagreed} of {shadow.compared} verdicts"
        slower = shadow.own_s > self.slower * shadow.stable_s
        if slower and shadow.own_s - shadow.stable_s > self.noticed_s * shadow.compared:
            return (
                f"as a shadow it took {shadow.own_s / shadow.compared:.2f} s a request where the stable version took "
                f"{shadow.stable_s / shadow.compared:.2f} s"
            )
        return None
