"""Intervals and curves against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.statistics import (
    area_under_roc,
    balanced_accuracy,
    bootstrap,
    calibration_error,
    roc,
    wilson,
)


@given(st.integers(1, 2000), st.data())
def test_wilson_intervals_hold_the_share_and_stay_within_0_and_1(total: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, total))
    low, high = wilson(hits, total)
    assert 0 <= low <= hits / total + 1e-12
    assert hits / total - 1e-12 <= high <= 1


def test_wilson_agrees_with_a_published_example() -> None:
    # Newcombe (1998), table I: 81 of 263.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_nothing_counted_is_nothing_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_bootstrap_interval_is_as_wide_as_theory_says() -> None:
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap(lambda index: float(values[index].mean()), np.zeros(400, int))
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)


def test_a_bootstrap_keeps_the_size_of_every_stratum() -> None:
    strata = np.array([0] * 90 + [1] * 10)
    assert bootstrap(lambda index: float(strata[index].mean()), strata, rounds=20) == (0.1, 0.1)


def test_balanced_accuracy_does_not_care_which_class_is_larger() -> None:
    labels = np.array([True] * 2 + [False] * 8)
    called = np.array([True, False] + [False] * 8)
    assert balanced_accuracy(labels, called) == 0.75


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=60))
def test_the_area_under_the_curve_is_the_chance_of_the_right_order(pairs: list[tuple[bool, int]]) -> None:
    labels, scores = np.array([label for label, _ in pairs]), np.array([float(score) for _, score in pairs])
    if labels.all() or not labels.any():
        with pytest.raises(ValueError, match="both classes"):
            roc(labels, scores)
        return
    right = [(p > n) + 0.5 * (p == n) for p in scores[labels] for n in scores[~labels]]
    assert area_under_roc(labels, scores) == pytest.approx(np.mean(right))


def test_a_perfectly_calibrated_set_has_no_calibration_error() -> None:
    probabilities = np.repeat([0.25, 0.75], 100)
    labels = np.array(([True] * 25 + [False] * 75) + ([True] * 75 + [False] * 25))
    assert calibration_error(labels, probabilities, np.ones(200)) == pytest.approx(0)
    assert calibration_error(~labels, probabilities, np.ones(200)) == pytest.approx(0.5)
