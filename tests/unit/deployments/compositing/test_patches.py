from __future__ import annotations

import cv2
import numpy as np
import pytest

from deployments.compositing.patches import Patch, Region


def test_a_region_is_cut_to_the_picture():
    region = Region.around(np.array([[-20, 5], [30, 60]], np.float32), 4, (50, 100, 3))
    assert (region.x, region.y, region.width, region.height) == (0, 1, 35, 49)


def test_points_outside_leave_an_empty_region():
    region = Region.around(np.array([[500, 500], [600, 600]], np.float32), 4, (50, 100, 3))
    assert region.width == region.height == 0


def test_outside_a_patch_not_a_bit_changes(picture):
    before = picture.copy()
    alpha = np.zeros((40, 50), np.float32)
    alpha[10:30, 10:30] = 1
    Patch.covering(Region(100, 50, 50, 40), np.full((40, 50, 3), 7.0, np.float32), alpha).onto(picture)
    changed = (picture != before).any(axis=-1)
    assert (picture[60:80, 110:130] == 7).all()
    changed[60:80, 110:130] = False
    assert not changed.any()


def test_half_alpha_is_the_mean(picture):
    before = picture[10:20, 10:20].astype(float)
    half = np.full((10, 10), 0.5, np.float32)
    patch = Patch.covering(Region(10, 10, 10, 10), np.zeros((10, 10, 3), np.float32), half)
    patch.onto(picture)
    assert np.abs(picture[10:20, 10:20] - before / 2).max() <= 1


def test_a_patch_is_painted_strip_by_strip_and_everywhere_once():
    large, painted = np.zeros((900, 700, 3), np.uint8), []

    def paint(part):
        painted.append(part)
        return np.full((part.height, part.width, 3), 7, np.uint8), np.ones((part.height, part.width), np.float32)

    Patch(Region(50, 60, 640, 800), paint).onto(large)
    assert (large[60:860, 50:690] == 7).all()
    assert large.sum() == 7 * 3 * 640 * 800
    assert sum(part.width * part.height for part in painted) == 640 * 800
    assert max(part.width * part.height for part in painted) <= 2**16


@pytest.mark.parametrize("enlarged", [1, 1.7, 5])
def test_what_is_enlarged_strip_by_strip_is_what_would_be_at_once(enlarged):
    rng = np.random.default_rng(3)
    large, pixels = rng.integers(0, 256, (900, 700, 3), np.uint8), 255 * rng.random((160, 128, 3), np.float32)
    alpha = rng.random((20, 16), np.float32)
    region = Region(20, 30, round(128 * enlarged), round(160 * enlarged))
    before = region.of(large).astype(np.float32)
    new, shown = (cv2.resize(values, (region.width, region.height)) for values in (pixels, alpha))
    Patch.covering(region, pixels, alpha).onto(large)
    assert np.abs(region.of(large) - (before + shown[..., None] * (new - before))).max() < 0.51
