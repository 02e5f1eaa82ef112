"""When a version is taken back automatically: the bars, and what is measured against them."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.serving.traffic import Traffic
from deployments.serving.trials import TrialSummary


@dataclass(frozen=True, slots=True)
class Bars:
    """A version is only judged on ``enough`` requests, and a promoted one for ``watch_s`` seconds.

    It falls when more than ``failures`` of its requests fail, and twice as many as the other version's; when its 95th
    percentile is ``slower`` times the other's and at least ``noticed_s`` longer (``slower_than_before`` times for a
    promoted one, whose predecessor ran at another time and perhaps on a calmer machine, and not before ``burst_s``); or
    when beside the stable version it disagrees with more than ``disagreement`` of its verdicts.
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

    def after(self, elapsed_s: float, version: Traffic, before: Traffic, *, joined: bool = False) -> str | None:
        """Why a version that was promoted ``elapsed_s`` ago falls beside what its predecessor was ``before``, or None.

        One that ``joined`` what was there before does its work on top, and falls by failures alone.
        """
        slower = self.slower_than_before if elapsed_s >= self.burst_s and not joined else float("inf")
        return self.against(version, before, slower)

    def beside(self, trial: TrialSummary, *, verdicts: bool) -> str | None:
        """Why a version falls that computed the same requests as the stable one, or None.

        ``verdicts``: a disagreement is about what people may see. Of a canary nothing else is judged here, as its
        failures and its latency are those of its own traffic.
        """
        tried = trial.compared + trial.failed
        if tried < self.enough:
            return None
        if trial.failed > self.failures * tried:
            return f"as a shadow it failed {trial.failed} of {tried} requests"
        if verdicts and trial.disagreed > self.disagreement * trial.compared:
            return f"as a {trial.role} it disagreed with {trial.disagreed} of {trial.compared} verdicts"
        slower = trial.role == "shadow" and trial.own_s > self.slower * trial.stable_s
        if slower and trial.own_s - trial.stable_s > self.noticed_s * trial.compared:
            return (
                f"as a shadow it took {trial.own_s / trial.compared:.2f} s a request where the stable version took "
                f"{trial.stable_s / trial.compared:.2f} s"
            )
        return None
