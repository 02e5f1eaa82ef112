"""Views of a picture: random, repeatable, and the same treatment whatever made it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.authenticity.views import disturbed, recoded

from .conftest import scene


@settings(max_examples=30, deadline=None)
@given(st.integers(128, 400), st.integers(128, 400), st.integers(0, 2**32))
def test_a_view_of_any_picture_has_the_size_asked_for(width: int, height: int, seed: int) -> None:
    view = disturbed(np.full((height, width, 3), (200, 30, 90), np.uint8), np.random.default_rng(seed), 64)
    assert view.shape == (64, 64, 3)
    assert view.dtype == np.uint8


def test_equal_seeds_give_equal_views_and_others_do_not() -> None:
    picture = scene(1, 12)
    first, again, other = (disturbed(picture, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("quality", [60, 95])
def test_recoding_leaves_the_marks_of_a_jpeg(quality: int) -> None:
    picture = scene(1, 12)
    once = recoded(picture, quality)
    assert 0 < np.abs(once.astype(int) - picture).mean() < 15
