from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.faces.alignment import (
    ARCFACE_TEMPLATE,
    invert,
    norm_crop,
    scale_points,
    transform_points,
    umeyama,
    warp,
)

angles = st.floats(-180, 180)
scales = st.floats(0.1, 20)
shifts = st.floats(-2000, 2000)


def similarity(angle: float, scale: float, x: float, y: float) -> np.ndarray:
    cosine, sine = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    return np.array([[cosine, -sine, x], [sine, cosine, y]], dtype=np.float32)


@given(angles, scales, shifts, shifts)
def test_any_rotation_scale_and_shift_is_recovered(angle: float, scale: float, x: float, y: float) -> None:
    truth = similarity(angle, scale, x, y)
    found = umeyama(ARCFACE_TEMPLATE, transform_points(ARCFACE_TEMPLATE, truth))
    np.testing.assert_allclose(found[:, :2], truth[:, :2], atol=1e-3 * max(scale, 1))
    np.testing.assert_allclose(
        transform_points(ARCFACE_TEMPLATE, found), transform_points(ARCFACE_TEMPLATE, truth), atol=0.05
    )


def test_a_mirrored_face_is_never_mirrored_back() -> None:
    mirrored = ARCFACE_TEMPLATE * np.float32([-1, 1])
    assert np.linalg.det(umeyama(mirrored, ARCFACE_TEMPLATE)[:, :2]) > 0


def test_the_result_is_the_least_squares_fit() -> None:
    rng = np.random.default_rng(1)
    points = ARCFACE_TEMPLATE + rng.normal(0, 4, (5, 2)).astype(np.float32)
    best = umeyama(points, ARCFACE_TEMPLATE)

    def error(matrix: np.ndarray) -> float:
        return float(np.square(transform_points(points, matrix) - ARCFACE_TEMPLATE).sum())

    for _ in range(200):
        other = similarity(*rng.normal(0, (2, 0.02, 1, 1)) + (0, 1, 0, 0)) @ np.vstack([best, [0, 0, 1]])
        assert error(best) <= error(other.astype(np.float32)) + 1e-3


def test_points_that_coincide_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match="coincide"):
        umeyama(np.full((5, 2), 7, np.float32), ARCFACE_TEMPLATE)


def test_the_inverse_leads_back_to_the_picture() -> None:
    matrix = similarity(33, 0.4, -20, 60)
    there = transform_points(ARCFACE_TEMPLATE, matrix)
    np.testing.assert_allclose(transform_points(there, invert(matrix)), ARCFACE_TEMPLATE, atol=1e-3)


@pytest.mark.parametrize("zoom", [0.5, 1, 3, 7])
def test_a_marked_landmark_lands_on_the_template_at_any_size(zoom: float) -> None:
    landmarks = (ARCFACE_TEMPLATE + (60, 40)) * np.float32(zoom)
    picture = np.zeros((int(200 * zoom), int(240 * zoom), 3), np.uint8)
    nose = tuple(landmarks[2].round().astype(int).tolist())
    cv2.circle(picture, nose, max(round(3 * zoom), 1), (255, 255, 255), -1)
    crop = norm_crop(picture, landmarks)[:, :, 0].astype(float)
    rows, columns = np.mgrid[:112, :112]
    centre = (crop * columns).sum() / crop.sum(), (crop * rows).sum() / crop.sum()
    np.testing.assert_allclose(centre, ARCFACE_TEMPLATE[2], atol=0.5 / min(zoom, 1) + 0.2)


def test_fine_texture_averages_out_when_a_large_face_shrinks() -> None:
    checks = np.indices((1120, 1120)).sum(axis=0) % 2 * 255
    picture = np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8)
    crop = norm_crop(picture, ARCFACE_TEMPLATE * 9.7)
    assert crop[10:-10, 10:-10].std() < 10


def test_beyond_the_border_a_crop_is_black() -> None:
    white = np.full((50, 50, 3), 255, np.uint8)
    crop = warp(white, similarity(0, 1, 62, 0), 112)
    assert crop[:, :60].max() == 0
    assert crop[:49, 64:].min() == 255


@pytest.mark.parametrize("factor", [2, 4, (5, 2)])
def test_a_point_stays_on_its_feature_when_the_picture_is_resized(factor: float | tuple[float, float]) -> None:
    across, down = factor if isinstance(factor, tuple) else (factor, factor)
    large = np.zeros((120, 200), np.float32)
    cv2.circle(large, (100, 60), 30, 255, -1)
    small = cv2.resize(large, (round(200 / across), round(120 / down)), interpolation=cv2.INTER_AREA)
    rows, columns = np.indices(small.shape)
    centre = np.float32([[(small * columns).sum(), (small * rows).sum()]]) / small.sum()
    np.testing.assert_allclose(scale_points(centre, factor), [[100, 60]], atol=0.01)
