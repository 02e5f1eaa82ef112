from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.faces import pose
from deployments.faces.alignment import ARCFACE_TEMPLATE

# A face in millimetres: eyes, tip of the nose, corners of the mouth; y down, z away from the camera.
FACE = np.array([[-31.5, 0, 0], [31.5, 0, 0], [0, 36.7, -29.5], [-26.8, 67, 8.8], [26.8, 67, 8.8]])


def seen(yaw: float, pitch: float, roll: float, scale: float = 2.0) -> np.ndarray:
    """Where a camera far away sees the points of a head that nods, then turns, then tilts."""
    y, p, r = np.radians([yaw, pitch, roll])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    turn = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return ((FACE @ (tilt @ turn @ nod).T)[:, :2] * scale + (300, 200)).astype(np.float32)


@given(st.floats(-75, 75), st.floats(-60, 60), st.floats(-179, 179), st.floats(0.1, 30))
def test_the_pose_of_an_average_head_is_recovered(yaw: float, pitch: float, roll: float, scale: float) -> None:
    found = pose.estimate(seen(yaw, pitch, roll, scale))
    assert found.yaw == pytest.approx(yaw, abs=0.5)
    assert found.pitch == pytest.approx(pitch, abs=0.5)
    assert found.roll == pytest.approx(roll, abs=0.5)


def test_a_face_as_in_the_template_looks_straight_ahead() -> None:
    found = pose.estimate(ARCFACE_TEMPLATE)
    assert max(abs(found.yaw), abs(found.pitch), abs(found.roll)) < 10


def test_a_nose_near_the_right_eye_means_looking_to_the_right() -> None:
    landmarks = ARCFACE_TEMPLATE.copy()
    landmarks[2, 0] += 12
    assert pose.estimate(landmarks).yaw > 15


def test_a_raised_nose_means_looking_up() -> None:
    landmarks = ARCFACE_TEMPLATE.copy()
    landmarks[2, 1] -= 10
    assert pose.estimate(landmarks).pitch > pose.estimate(ARCFACE_TEMPLATE).pitch + 10


def test_a_mirrored_photo_mirrors_yaw_and_roll() -> None:
    landmarks = seen(25, 10, 15)
    mirrored = (landmarks * (-1, 1))[[1, 0, 2, 4, 3]].astype(np.float32)
    here, there = pose.estimate(landmarks), pose.estimate(mirrored)
    assert (there.yaw, there.pitch, there.roll) == pytest.approx((-here.yaw, here.pitch, -here.roll), abs=0.01)


def test_upside_down_shows_in_the_roll() -> None:
    assert abs(pose.estimate(ARCFACE_TEMPLATE @ np.float32([[-1, 0], [0, -1]])).roll) == pytest.approx(180, abs=5)


def test_eyes_on_one_spot_still_give_finite_angles() -> None:
    found = pose.estimate(np.float32([[5, 5], [5, 5], [6, 9], [5, 12], [5, 12]]))
    assert np.isfinite([found.yaw, found.pitch, found.roll]).all()


@given(st.floats(-75, 75), st.floats(-60, 60), st.floats(-179, 179), st.floats(0.1, 30))
def test_the_camera_takes_millimetres_to_pixels(yaw: float, pitch: float, roll: float, scale: float) -> None:
    points = seen(yaw, pitch, roll, scale)
    shown = np.hstack([FACE, np.ones((5, 1))]) @ pose.camera(points).T
    np.testing.assert_allclose(shown, points, atol=0.02 * scale)
