"""Photos that carry a number."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deployments.imaging import Photo
from drills.bot.numbered import MOST, number_of, painted, photo
from drills.bot.studio import preview


@given(st.integers(1, MOST))
@settings(max_examples=25, deadline=None)
def test_a_painted_photo_tells_its_number(number: int) -> None:
    assert number_of(painted(Photo.open(photo(number))).data) == number


def test_the_photo_itself_is_no_result() -> None:
    assert number_of(photo(77)) is None


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stylespreview_is_no_result(number: int) -> None:
    assert number_of(preview(number)) is None


def test_the_number_survives_another_size_and_a_strong_compression() -> None:
    small = io.BytesIO()
    Image.open(io.BytesIO(painted(Photo.open(photo(1234))).data)).resize((100, 80)).save(small, "JPEG", quality=40)
    assert number_of(small.getvalue()) == 1234


@pytest.mark.parametrize("number", [0, -1, MOST + 1])
def test_only_numbers_that_fit_are_taken(number: int) -> None:
    with pytest.raises(ValueError, match="a number from 1"):
        photo(number)
