"""The embedded detector: which part of a picture the graph gets to see."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.authenticity.fingerprint import LEAST_SIDE, SIDE, FingerprintDetector, squares
from deployments.imaging import Photo, encode

from .conftest import grey


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 900), st.integers(1, 900))
def test_a_picture_of_any_size_becomes_squares_of_one_size(width: int, height: int) -> None:
    shown = squares(np.full((height, width, 3), 77, np.uint8))
    assert shown.shape == (3 if max(width, height) > 1.25 * min(width, height) else 1, 3, SIDE, SIDE)
    assert shown.dtype == np.float32
    assert np.all(shown == 77)


@pytest.mark.parametrize("upright", [True, False])
def test_a_long_picture_is_seen_at_both_ends_and_in_the_middle(upright: bool) -> None:
    picture = np.repeat(np.repeat(np.array([[0, 100, 200]], np.uint8), 300, 0), 300, 1)[..., None].repeat(3, -1)
    shown = squares(picture.transpose(1, 0, 2) if upright else picture)
    assert shown.mean((1, 2, 3)) == pytest.approx([0, 100, 200], abs=1)


def test_channels_are_red_green_blue_in_0_to_255() -> None:
    shown = squares(np.full((256, 256, 3), (255, 10, 0), np.uint8))
    assert shown[0].mean((1, 2)).tolist() == [255, 10, 0]


def test_the_graphs_answer_is_the_mean_over_the_squares(brightness, make_version, runtime) -> None:
    detector = FingerprintDetector(make_version(brightness, "fingerprint"), runtime)
    assert detector.logits([grey(900, 300, 110), grey(256, 256, 90)]) == pytest.approx([10, -10], abs=1e-3)
    detector.close()


def test_what_is_too_small_or_drawn_is_not_judged(brightness, make_version, runtime) -> None:
    detector = FingerprintDetector(make_version(brightness, "fingerprint"), runtime)
    text = np.full((600, 900, 3), 245, np.uint8)
    for line in range(12):
        cv2.putText(text, "The quick brown fox jumps", (30, 40 + line * 45), 0, 1, (30, 30, 30), 1, cv2.LINE_AA)
    plain = np.full((400, 400, 3), (255, 0, 0), np.uint8)
    page = np.full((1080, 1920, 3), 255, np.uint8)
    for line in range(27):
        cv2.putText(
            page, "The quick brown fox jumps over the lazy dog " * 2, (350, 60 + line * 36), 0, 0.8, (40, 40, 40), 1
        )
    drawn = [Photo.open(encode(text, "image/png")), Photo.open(encode(plain)), grey(400, 400, grain=0)]
    drawn.append(Photo.open(encode(page, quality=80)))
    small = [grey(LEAST_SIDE - 1, 900), grey(1, 1), grey(16_000, 1)]
    assert detector.logits([*small, *drawn]) == [None] * 7
    assert detector.logits([grey(LEAST_SIDE, LEAST_SIDE, 110)]) != [None]


def test_a_version_without_its_graph_is_refused(tmp_path, make_version, runtime) -> None:
    with pytest.raises(KeyError):
        FingerprintDetector(make_version(tmp_path, "fingerprint"), runtime)
