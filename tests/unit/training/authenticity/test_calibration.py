"""Probabilities that mean what they say, and a band that keeps its promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.authenticity.calibration import FALSE_ALARMS, MISSES, band, calibrate, platt
from training.authenticity.judgement import FALSE_ALARMS as BAR
from training.evaluation.statistics import calibration_error


def test_false_alarms_are_held_below_the_bar_they_are_judged_by() -> None:
    assert FALSE_ALARMS < BAR


def test_platt_scaling_finds_the_line_the_labels_were_drawn_by() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 4, 20_000)
    truth = generator.random(20_000) < 1 / (1 + np.exp(-(0.5 * logits - 0.7)))
    assert platt(logits, truth, np.ones(20_000)) == pytest.approx((0.5, -0.7), abs=0.05)


def test_an_overconfident_rater_is_calmed_down() -> None:
    generator = np.random.default_rng(1)
    sure = generator.normal(0, 2, 5000)
    truth = generator.random(5000) < 1 / (1 + np.exp(-sure))
    calibration = calibrate(5 * sure, truth, np.ones(5000))
    said = np.array([calibration.opinion(logit).probability_ai for logit in 5 * sure])
    assert calibration_error(truth, said, np.ones(5000)) < 0.03


def test_a_rater_that_is_always_right_or_knows_nothing_still_gives_a_calibration() -> None:
    truth = np.arange(40) % 2 == 0
    assert calibrate(np.where(truth, 9.0, -9.0), truth, np.ones(40)).scale < 100
    useless = calibrate(np.random.default_rng(0).normal(size=40), truth, np.ones(40))
    assert useless.unsure[1] - useless.unsure[0] >= 0


@given(st.integers(0, 10_000))
def test_the_band_keeps_false_alarms_and_misses_where_they_were_promised(seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth = generator.random(300) < 0.3
    truth[:2] = (True, False)
    probabilities = np.clip(generator.normal(0.4 + 0.3 * truth, 0.2), 0, 1)
    weights = generator.uniform(0.2, 3, 300)
    low, high = band(probabilities, truth, weights)
    assert low <= high
    alarms = weights[~truth & (probabilities > high)].sum() / weights[~truth].sum()
    misses = weights[truth & (probabilities < low)].sum() / weights[truth].sum()
    assert alarms <= FALSE_ALARMS
    assert misses <= MISSES
