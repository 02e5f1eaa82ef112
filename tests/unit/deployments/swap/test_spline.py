from __future__ import annotations

import numpy as np
import pytest

from deployments.faces.alignment import transform_points
from deployments.faces.landmarks import face_size, with_forehead
from deployments.swap.spline import ThinPlateSpline, slack


def fit(source, target, smoothing):
    return ThinPlateSpline.fit(target, source, smoothing, face_size(target), face_size(source))


def test_equal_points_give_the_identity(portrait):
    points = with_forehead(portrait().face.dense)
    spline = fit(points, points, slack())
    anywhere = np.random.default_rng(0).uniform(0, 200, (50, 2)).astype(np.float32)
    np.testing.assert_allclose(spline(anywhere), anywhere, atol=0.01)


def test_without_smoothing_every_landmark_meets_its_counterpart(portrait):
    source, target = (with_forehead(portrait(squeeze=squeeze).face.dense) for squeeze in (0.3, -0.2))
    np.testing.assert_allclose(fit(source, target, np.zeros(77))(target), source, atol=0.05)


def test_with_smoothing_the_jaw_is_followed_and_the_mouth_keeps_its_shape(portrait):
    source = with_forehead(portrait().face.dense)
    target = source.copy()
    target[54:57, 1] -= 12  # one corner of the mouth drawn up: a grin
    target[4:13, 1] += 4
    missed = np.linalg.norm(fit(source, target, slack())(target) - source, axis=1)
    assert missed[0:17].max() < 2
    assert missed[54:57].min() > 6


def test_a_similarity_is_followed_exactly(portrait):
    source = with_forehead(portrait().face.dense)
    matrix = np.array([[0, -2, 300], [2, 0, 10]], np.float32)  # twice the size, a quarter turn
    target = transform_points(source, matrix)
    spline = fit(source, target, slack())
    np.testing.assert_allclose(spline(target), source, atol=0.05)
    assert spline.stretch(target[:68]) == pytest.approx(1, abs=0.01)


def test_the_map_of_a_picture_is_the_spline_at_every_pixel(portrait):
    source, target = (with_forehead(portrait(squeeze=squeeze).face.dense) for squeeze in (0.2, 0.0))
    spline = fit(source, target, slack())
    table = spline.dense_map(190, 170)
    assert table.shape == (170, 190, 2)
    y, x = np.mgrid[40:150:7, 40:150:7]
    pixels = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    np.testing.assert_allclose(table[y, x].reshape(-1, 2), spline(pixels), atol=0.1)


def test_the_more_a_head_has_to_turn_the_more_skin_is_stretched(portrait):
    front = with_forehead(portrait().face.dense)
    stretches = [
        fit(with_forehead(portrait(squeeze=squeeze).face.dense), front, slack()).stretch(front[:68])
        for squeeze in (0.0, 0.2, 0.4, 0.7)
    ]
    assert stretches == sorted(stretches)
    assert stretches[0] < 1.05
    assert stretches[-1] > 2.1
