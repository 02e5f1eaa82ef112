from __future__ import annotations

import cv2
import numpy as np
import pytest

from deployments.swap import grain


def noisy(deviation: float, level: float = 120.0) -> np.ndarray:
    noise = np.random.default_rng(3).normal(0, deviation, (120, 120, 3))
    return np.clip(level + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def inside() -> np.ndarray:
    mask = np.zeros((120, 120), np.float32)
    mask[30:90, 30:90] = 1
    return mask


CLEAN = np.full((120, 120, 3), 140, np.float32)


def test_a_clean_face_becomes_as_noisy_as_its_photo(inside):
    photo = noisy(12)
    wanted, got = (
        cv2.cvtColor(np.float32(picture), cv2.COLOR_RGB2YCrCb)[30:90, 30:90]
        for picture in (photo, grain.match(CLEAN, photo, inside))
    )
    np.testing.assert_allclose(got.std(axis=(0, 1)), wanted.std(axis=(0, 1)), rtol=0.15)


def test_the_noise_of_a_grey_photo_is_grey(inside):
    grey = np.repeat(noisy(12)[..., :1], 3, axis=2)
    assert np.ptp(grain.match(CLEAN, grey, inside), axis=2).max() < 2


def test_a_noisy_face_gets_no_more(inside):
    face = noisy(14).astype(np.float32)
    assert grain.match(face, noisy(12), inside) is face


def test_wrinkles_and_the_texture_of_skin_are_no_noise(inside):
    wrinkled = noisy(1)
    wrinkled[30:90, 30:90] = noisy(10)[30:90, 30:90]
    assert grain.match(CLEAN, wrinkled, inside) is CLEAN
    assert grain.match(CLEAN, noisy(3), inside) is CLEAN


def test_the_same_swap_has_the_same_noise(inside):
    np.testing.assert_array_equal(grain.match(CLEAN, noisy(12), inside), grain.match(CLEAN, noisy(12), inside))


def test_a_face_that_fills_its_region_stays_as_it_is():
    assert grain.match(CLEAN, noisy(12), np.ones((120, 120), np.float32)) is CLEAN


def test_no_face_is_lost_in_the_dots_that_its_photo_was_printed_with(inside):
    chance = np.random.default_rng(4).random((120, 120, 1)) > 0.5
    dots = np.repeat(chance * np.uint8(255), 3, axis=2)
    assert 20 < grain.match(CLEAN, dots, inside)[30:90, 30:90].std() < 32
