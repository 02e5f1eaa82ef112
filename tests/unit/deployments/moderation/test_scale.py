from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import Unavailable
from deployments.moderation.scale import aligned

lines = st.floats(0.05, 0.95)


@given(lines)
def test_the_line_is_the_middle_and_the_ends_stay(line):
    assert aligned(0.0, line) == 0
    assert aligned(line, line) == pytest.approx(0.5)
    assert aligned(1.0, line) == pytest.approx(1)


@given(lines, st.floats(0, 1), st.floats(0, 1))
def test_order_is_kept(line, one, other):
    low, high = sorted((one, other))
    assert 0 <= aligned(low, line) <= aligned(high, line) <= 1 + 1e-12


def test_what_rounding_adds_is_forgiven():
    assert aligned(1.00001, 0.5) == 1
    assert aligned(-0.00001, 0.5) == 0


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -math.inf, 1.5, -1.0, 37.0])
def test_what_is_no_probability_closes_the_door(nonsense):
    with pytest.raises(Unavailable) as caught:
        aligned(nonsense, 0.5)
    assert caught.value.details["retry_after"] > 0
