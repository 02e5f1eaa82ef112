"""Portraits are square, hold the face, and make nothing up beyond the picture's edge."""

from __future__ import annotations

import numpy as np
import pytest

from deployments.imaging import Photo, encode
from deployments.lookalike.portrait import portrait


def photo_of(width: int, height: int, box: tuple[int, int, int, int]) -> Photo:
    """Grey, with a red face."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    x0, y0, x1, y1 = box
    pixels[max(y0, 0) : y1, max(x0, 0) : x1] = (255, 0, 0)
    return Photo.open(encode(pixels, "image/png"))


def redness(pixels: np.ndarray) -> float:
    return float(((pixels[..., 0] > 200) & (pixels[..., 1] < 60)).mean())


@pytest.mark.parametrize("side", [96, 320, 490])
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (4000, 3000)])
def test_the_face_fills_about_a_quarter_of_the_square(size: tuple[int, int], side: int) -> None:
    width, height = size
    face = (width // 2 - width // 12, height // 2 - width // 12, width // 2 + width // 12, height // 2 + width // 12)
    square = portrait(photo_of(width, height, face), face, 0, side)
    assert square.shape == (side, side, 3)
    assert 0.2 < redness(square) < 0.36


@pytest.mark.parametrize("corner", [(0, 0), (540, 0), (0, 380), (540, 380)])
def test_a_face_at_the_edge_stays_in_a_square_without_padding(corner: tuple[int, int]) -> None:
    x, y = corner
    face = (x, y, x + 100, y + 100)
    square = portrait(photo_of(640, 480, face), face, 0, 128)
    assert 0.2 < redness(square) < 0.36
    assert square.min() == 0 or square.min() >= 120
    assert not np.any(np.all(square == 0, axis=2))


def test_a_face_as_large_as_the_picture_takes_the_whole_of_it() -> None:
    face = (0, 0, 60, 60)
    assert redness(portrait(photo_of(60, 60, face), face, 0, 128)) > 0.98


def test_a_face_of_one_pixel_is_survived() -> None:
    assert portrait(photo_of(40, 40, (5, 5, 6, 6)), (5, 5, 6, 6), 0, 64).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("roll", "turns"), [(-170, 2), (-80, 3), (-40, 0), (0, 0), (44, 0), (50, 1), (95, 1), (180, 2)]
)
def test_whoever_lies_or_stands_on_the_head_is_shown_upright(roll: float, turns: int) -> None:
    upright = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    x0, y0, x1, y1 = box = (270, 150, 330, 230)
    # Turned clockwise, as a head whose roll is above 0 is.
    photo = Photo.open(encode(np.ascontiguousarray(np.rot90(upright, -turns)), "image/png"))
    turned = (box, (400 - y1, x0, 400 - y0, x1), (600 - x1, 400 - y1, 600 - x0, 400 - y0), (y0, 600 - x1, y1, 600 - x0))
    square = portrait(photo, turned[turns], roll, 152)
    expected = portrait(Photo.open(encode(upright, "image/png")), box, 0, 152)
    np.testing.assert_allclose(square, expected, atol=1)
