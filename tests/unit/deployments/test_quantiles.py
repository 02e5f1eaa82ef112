"""Percentiles are values that were seen, by nearest rank."""

from __future__ import annotations

import math

import pytest

from deployments.quantiles import quantile


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_of_a_hundred_values_a_percentile_is_the_one_of_its_number(share: float, expected: float) -> None:
    assert quantile([float(value) for value in range(100, 0, -1)], share) == expected


def test_one_of_twenty_is_beyond_the_95th_percentile() -> None:
    assert quantile([1.0] * 19 + [9.0], 0.95) == 1


def test_of_nothing_there_is_none() -> None:
    assert math.isnan(quantile([], 0.5))
