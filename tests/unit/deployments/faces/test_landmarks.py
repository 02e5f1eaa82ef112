from __future__ import annotations

import numpy as np
import pytest

from deployments.faces import landmarks
from deployments.faces.alignment import transform_points


def test_the_mean_shape_is_symmetrical():
    np.testing.assert_allclose(landmarks.mirrored(landmarks.MEAN_SHAPE, 113), landmarks.MEAN_SHAPE, atol=1e-4)


def test_mirroring_twice_changes_nothing(portrait):
    points = portrait(squeeze=0.3).face.dense
    np.testing.assert_allclose(landmarks.mirrored(landmarks.mirrored(points, 200), 200), points, atol=1e-4)


def test_a_mirrored_left_eye_is_a_right_eye(portrait):
    points = portrait().face.dense
    flipped = landmarks.mirrored(points, 200)
    assert flipped[landmarks.LEFT_EYE, 0].max() < flipped[landmarks.RIGHT_EYE, 0].min()
    assert flipped[landmarks.LEFT_BROW, 1].mean() < flipped[landmarks.LEFT_EYE, 1].mean()


@pytest.mark.parametrize("degrees", [0, 40, 180, -90])
def test_the_forehead_is_above_the_brows_however_the_head_is_turned(portrait, degrees):
    points = portrait(degrees=degrees).face.dense
    up = landmarks.upwards(points)
    arc = landmarks.forehead(points) @ up
    assert arc[4] > (points[landmarks.BROWS] @ up).max() + 0.15 * landmarks.face_size(points)
    assert arc.argmax() in (3, 4, 5)


def test_the_size_of_a_face_scales_with_it_and_ignores_rotation(portrait):
    points = portrait().face.dense
    angle = np.radians(33)
    matrix = 3 * np.array([[np.cos(angle), -np.sin(angle), 5], [np.sin(angle), np.cos(angle), 9]], np.float32)
    assert landmarks.face_size(transform_points(points, matrix)) == pytest.approx(
        3 * landmarks.face_size(points), rel=1e-3
    )


def test_five_landmarks_are_enough_for_an_approximation(portrait):
    drawn = portrait(degrees=20)
    found = landmarks.dense_points(drawn.with_face(dense=None).face)
    assert np.linalg.norm(found - drawn.face.dense, axis=1).max() < 0.5


def test_a_backends_own_points_are_preferred(portrait):
    face = portrait(squeeze=0.4).face
    assert landmarks.dense_points(face) is face.dense
