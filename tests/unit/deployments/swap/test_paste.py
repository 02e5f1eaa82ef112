from __future__ import annotations

import cv2
import numpy as np
import pytest

from deployments.faces.alignment import ARCFACE_TEMPLATE, umeyama, warp
from deployments.swap.inswapper import SIZE, TEMPLATE, crop_mask
from deployments.swap.paste import Patch, Region, from_crop


@pytest.fixture
def picture():
    y, x = np.mgrid[0:300, 0:400]
    waves = np.stack([np.sin(x / 23), np.sin(y / 31), np.sin((x + y) / 41)], axis=-1)
    return (127 + 90 * waves).astype(np.uint8)


def corners(scale=1.2, degrees=0.0, at=(150.0, 80.0)):
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (ARCFACE_TEMPLATE @ turn.T + at).astype(np.float32)


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


@pytest.mark.parametrize("degrees", [0, 25, 180])
def test_a_crop_comes_back_to_where_it_was_taken_from(picture, degrees):
    at = (150.0, 80.0) if degrees < 90 else (300.0, 250.0)
    matrix = umeyama(corners(1.1, degrees, at), TEMPLATE)
    result = picture.copy()
    from_crop(warp(picture, matrix, SIZE), matrix, crop_mask(), picture.shape).onto(result)
    assert np.abs(result.astype(int) - picture).max() <= 4


@pytest.mark.parametrize("degrees", [0, 25])
def test_fine_texture_averages_out_when_a_crop_is_pasted_small(picture, degrees):
    checks = np.indices((512, 512)).sum(axis=0) % 2 * 255
    crop = np.repeat(checks[:, :, None], 3, axis=2).astype(np.float32)
    matrix = umeyama(corners(0.7, degrees), ARCFACE_TEMPLATE * (512 / 112))
    patch = from_crop(crop, matrix, np.ones((512, 512), np.float32), picture.shape)
    pixels, alpha = patch.paint(patch.region)
    assert alpha.sum() == pytest.approx((0.7 * 112) ** 2, rel=0.03)
    assert pixels[alpha == 1].std() < 10


def test_a_crop_that_is_pasted_small_lies_where_it_was_taken_from(picture):
    matrix = umeyama(corners(0.7), ARCFACE_TEMPLATE * (512 / 112))
    patch = from_crop(warp(picture, matrix, 512), matrix, np.ones((512, 512), np.float32), picture.shape)
    pixels, alpha = patch.paint(patch.region)
    whole = alpha == 1
    assert np.abs(pixels[whole] - patch.region.of(picture)[whole]).max() <= 4


def test_only_the_faces_own_box_is_computed(picture):
    patch = from_crop(np.zeros((SIZE, SIZE, 3), np.uint8), umeyama(corners(0.5), TEMPLATE), crop_mask(), picture.shape)
    assert patch.region.width < 80
    assert patch.region.height < 80


@pytest.mark.parametrize("at", [(-30.0, 20.0), (330.0, 230.0)])
def test_a_face_over_the_border_is_pasted_as_far_as_it_is_there(picture, at):
    result = picture.copy()
    from_crop(
        np.full((SIZE, SIZE, 3), 255, np.uint8), umeyama(corners(at=at), TEMPLATE), crop_mask(), picture.shape
    ).onto(result)
    assert (result == 255).all(axis=-1).sum() > 500


def test_a_face_outside_the_picture_changes_nothing(picture):
    result = picture.copy()
    from_crop(
        np.zeros((SIZE, SIZE, 3), np.uint8), umeyama(corners(at=(2000.0, 900.0)), TEMPLATE), crop_mask(), picture.shape
    ).onto(result)
    assert (result == picture).all()


def test_the_crops_mask_is_one_in_the_middle_and_zero_at_the_border():
    mask = crop_mask()
    assert mask[64, 64] == 1
    assert mask[0].max() == mask[:, 0].max() == mask[-1].max() == mask[:, -1].max() == 0
