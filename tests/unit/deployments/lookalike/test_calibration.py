"""A cosine becomes per cent: never falling, never 0 and never 100."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.lookalike.calibration import Calibration, read_calibration

CURVE = Calibration(basis="gallery", people=500, cosines=(-0.1, 0.2, 0.3, 0.6), percents=(0.5, 30.0, 80.0, 99.5))

cosines = st.floats(-1, 1)


@given(one=cosines, other=cosines)
def test_more_alike_is_never_less_per_cent(one: float, other: float) -> None:
    low, high = sorted([one, other])
    assert CURVE.percent(low) <= CURVE.percent(high)


@given(cosine=st.floats(-2, 2))
def test_nobody_is_wholly_alike_or_wholly_unlike(cosine: float) -> None:
    assert 1 <= CURVE.percent(cosine) <= 99


def test_between_two_knots_it_goes_straight() -> None:
    assert CURVE.percent(0.25) == pytest.approx(55)


@pytest.mark.parametrize(
    "change",
    [
        {"cosines": [0.0, 0.0], "percents": [1.0, 2.0]},
        {"cosines": [0.0, 0.1], "percents": [2.0, 1.0]},
        {"cosines": [0.0, 0.1, 0.2], "percents": [1.0, 2.0]},
        {"cosines": [0.0], "percents": [1.0]},
        {"cosines": [0.0, "NaN"], "percents": [1.0, 2.0]},
        {"people": -1},
        {"basis": "guess"},
        {"extra": 1},
    ],
)
def test_what_is_no_rising_curve_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(json.loads(CURVE.model_dump_json()) | change))
    with pytest.raises(ValueError, match="calibration"):
        read_calibration(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_noise_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="calibration"):
        read_calibration(path)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(CURVE.model_dump_json())
    assert read_calibration(path) == CURVE
