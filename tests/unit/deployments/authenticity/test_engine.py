"""An opinion with its doubts, whatever the detector says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deployments.authenticity.engine import AuthenticityEngine, Calibration, Verdict, build
from deployments.errors import Unavailable

from .conftest import FixedDetector, grey


@given(
    logit=st.floats(allow_nan=False),
    scale=st.floats(0.01, 10),
    offset=st.floats(-5, 5),
    band=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_any_number_of_a_detector_becomes_a_probability_and_the_verdict_of_its_side(logit, scale, offset, band) -> None:
    opinion = Calibration(scale=scale, offset=offset, unsure=tuple(band)).opinion(logit)
    assert 0 <= opinion.probability_ai <= 1
    low, high = band
    expected = "real" if opinion.probability_ai < low else "ai" if opinion.probability_ai > high else "unsure"
    assert opinion.verdict == expected


@given(st.floats(-50, 50), st.floats(0.001, 20))
def test_more_log_odds_are_never_a_lower_probability(logit: float, more: float) -> None:
    calibration = Calibration(scale=0.7, offset=0.3)
    assert calibration.opinion(logit + more).probability_ai >= calibration.opinion(logit).probability_ai


def test_platt_scaling_is_the_logistic_function_of_a_line() -> None:
    assert Calibration(scale=0.5, offset=-1).opinion(4.0).probability_ai == pytest.approx(1 / (1 + math.exp(-1)))


@pytest.mark.parametrize(
    "field",
    [
        {"scale": 0},
        {"scale": -1},
        {"offset": math.inf},
        {"unsure": (0.8, 0.2)},
        {"unsure": (0.2, 1.5)},
        {"temperature": 2},
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(field) -> None:
    with pytest.raises(ValidationError):
        Calibration(**field)


def test_every_picture_gets_its_opinion_in_order(photo) -> None:
    engine = AuthenticityEngine(FixedDetector(-3.0, 0.0, 3.0), Calibration())
    assert [opinion.verdict for opinion in engine.run([photo] * 3)] == [Verdict.REAL, Verdict.UNSURE, Verdict.AI]
    assert engine.run([]) == []


@pytest.mark.parametrize(("band", "probability"), [((0.3, 0.8), 0.5), ((0.6, 0.9), 0.6), ((0.1, 0.4), 0.4)])
def test_where_there_is_nothing_to_judge_by_the_opinion_is_that_one_cannot_tell(photo, band, probability) -> None:
    (opinion,) = AuthenticityEngine(FixedDetector(None), Calibration(unsure=band)).run([photo])
    assert (opinion.verdict, opinion.probability_ai) == (Verdict.UNSURE, probability)


@pytest.mark.parametrize("logits", [(math.nan,), (), (1.0, 2.0)])
def test_a_detector_gone_wrong_gives_no_opinion(photo, logits) -> None:
    with pytest.raises(Unavailable):
        AuthenticityEngine(FixedDetector(*logits), Calibration()).run([photo])


@pytest.mark.parametrize("logits", [(math.nan,), ()])
def test_a_detector_that_gives_no_number_is_told_before_it_serves(logits) -> None:
    with pytest.raises(ValueError, match="gives no number"):
        AuthenticityEngine(FixedDetector(*logits), Calibration()).warm_up()


def test_closing_lets_go_of_the_detector() -> None:
    detector = FixedDetector()
    AuthenticityEngine(detector, Calibration()).close()
    assert detector.closed


def test_the_calibration_comes_with_the_version(brightness, make_version, runtime) -> None:
    plain = build(make_version(brightness, "fingerprint"), runtime)
    careful = {"calibration": {"scale": 0.01, "unsure": [0.1, 0.9]}}
    calibrated = build(make_version(brightness, "fingerprint", input=careful), runtime)
    assert plain.run([grey(300, 300, 128)])[0].verdict == "ai"
    assert calibrated.run([grey(300, 300, 128)])[0].verdict == "unsure"


def test_a_version_of_an_unknown_backend_is_refused(brightness, make_version, runtime) -> None:
    with pytest.raises(ValueError, match="tea-leaves"):
        build(make_version(brightness, "tea-leaves"), runtime)
