"""Between pixels and planes nothing is lost, and nothing that is no number becomes a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deployments.style.planes import to_pixels, to_planes

PICTURES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


@given(PICTURES)
def test_pixels_come_back_as_they_went(pixels: np.ndarray) -> None:
    planes = to_planes(pixels)
    assert planes.shape == (3, *pixels.shape[:2])
    np.testing.assert_allclose(planes, pixels.transpose(2, 0, 1) / 255, atol=1e-6)
    np.testing.assert_array_equal(to_pixels(planes), pixels)


@given(PICTURES)
def test_planes_are_written_where_they_are_wanted(pixels: np.ndarray) -> None:
    wanted = np.full((3, *pixels.shape[:2]), -1, np.float32)
    assert to_planes(pixels, out=wanted) is wanted
    np.testing.assert_array_equal(wanted, to_planes(pixels))


@given(hnp.arrays(np.float32, (3, 5, 4), elements=st.floats(0, 1, width=32)))
def test_a_value_becomes_the_nearest_level(planes: np.ndarray) -> None:
    off = np.abs(to_pixels(planes).transpose(2, 0, 1) - planes * np.float32(255))
    assert off.max() <= 0.5 + 1e-4


def test_what_overshoots_stays_at_the_end_of_the_scale() -> None:
    planes = np.array([1.2, -0.001, 0.5], np.float32).reshape(3, 1, 1)
    assert to_pixels(planes)[0, 0].tolist() == [255, 0, 128]


@pytest.mark.parametrize("nonsense", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(nonsense: float) -> None:
    planes = np.full((3, 2, 2), 0.5, np.float32)
    planes[1, 0, 1] = nonsense
    with pytest.raises(ValueError, match="no numbers"):
        to_pixels(planes)
