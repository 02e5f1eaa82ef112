"""When a version falls without being asked."""

from __future__ import annotations

import pytest

from deployments.serving.traffic import Traffic
from deployments.serving.trials import TrialSummary
from serve_app.versions.bars import Bars

USUAL = Traffic(1000, 2, 0.05, 0.1)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (Traffic(19, 19, 9, 9), None),
        (Traffic(100, 0, 0.05, 0.12), None),
        (Traffic(100, 4, 0.05, 0.1), None),
        (Traffic(100, 9, 0.05, 0.1), "9 of 100 requests failed"),
        (Traffic(100, 0, 0.3, 0.6), "95th percentile is 0.60 s against 0.10 s"),
    ],
)
def test_a_version_is_held_against_the_other(seen: Traffic, reason: str | None) -> None:
    said = Bars().against(seen, USUAL)
    assert said is None if reason is None else said is not None and said.startswith(("its ", "")) and reason in said


def test_when_everything_fails_it_is_not_the_new_versions_fault() -> None:
    assert Bars().against(Traffic(100, 30, 0.1, 0.1), Traffic(100, 25, 0.1, 0.1)) is None


def test_a_latency_needs_something_to_compare_with() -> None:
    assert Bars().against(Traffic(100, 0, 1, 2), Traffic(3, 0, 0.1, 0.1)) is None


@pytest.mark.parametrize(
    ("trial", "reason"),
    [
        (TrialSummary("m@v2", compared=19, disagreed=19), None),
        (TrialSummary("m@v2", compared=100, disagreed=5, own_s=10, stable_s=9), None),
        (TrialSummary("m@v2", compared=100, disagreed=6), "disagreed with 6 of 100 verdicts"),
        (TrialSummary("m@v2", compared=20, failed=4), "failed 4 of 24"),
        (TrialSummary("m@v2", compared=100, own_s=60, stable_s=10), "took 0.60 s a request"),
        (TrialSummary("m@v2", "canary", compared=19, disagreed=19), None),
        (TrialSummary("m@v2", "canary", compared=100, disagreed=6), "as a canary it disagreed with 6 of 100 verdicts"),
        (TrialSummary("m@v2", "canary", compared=100, own_s=60, stable_s=10), None),
    ],
)
def test_a_version_on_trial_is_held_against_what_it_stood_beside(trial: TrialSummary, reason: str | None) -> None:
    said = Bars().beside(trial, verdicts=True)
    assert (said is None) if reason is None else (said is not None and reason in said)


def test_only_verdicts_are_disagreed_with() -> None:
    assert Bars().beside(TrialSummary("m@v2", compared=100, disagreed=60), verdicts=False) is None
