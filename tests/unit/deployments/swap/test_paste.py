from __future__ import annotations

import numpy as np
import pytest

from deployments.faces.alignment import ARCFACE_TEMPLATE, umeyama, warp
from deployments.swap.inswapper import SIZE, TEMPLATE, crop_mask
from deployments.swap.paste import from_crop


def corners(scale=1.2, degrees=0.0, at=(150.0, 80.0)):
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (ARCFACE_TEMPLATE @ turn.T + at).astype(np.float32)


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
