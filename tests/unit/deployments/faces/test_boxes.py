from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from deployments.faces.backend import Detection
from deployments.faces.boxes import clip, letterbox, overlap, rescale, shift, suppress

coordinates = st.floats(-500, 1500, width=32)


SQUARE = (0.0, 0.0, 10.0, 10.0)
sides = st.floats(1, 50)
placed = st.tuples(st.floats(0, 50), st.floats(0, 50), sides, sides).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(SQUARE, (0.0, 5.0, 10.0, 15.0)) == pytest.approx(1 / 3)
    assert overlap(SQUARE, (10.0, 0.0, 20.0, 10.0)) == 0


@given(placed, placed)
def test_overlap_is_symmetric_and_full_only_with_itself(one, other) -> None:
    assert overlap(one, other) == pytest.approx(overlap(other, one))
    assert 0 <= overlap(one, other) <= 1 + 1e-9
    assert overlap(one, one) == pytest.approx(1)


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([0.4, 1.0]))
def test_a_picture_of_any_shape_fits_into_the_square(width: int, height: int, fill: float) -> None:
    canvas, scale = letterbox(np.full((height, width, 3), 255, np.uint8), 64, fill=fill)
    assert canvas.shape == (64, 64, 3)
    assert max(width, height) * scale <= 64 * fill + 1e-6
    assert scale <= 2
    assert scale == 2 or max(width, height) * scale == pytest.approx(64 * fill)
    shown = canvas.any(axis=(1, 2)).sum(), canvas.any(axis=(0, 2)).sum()
    assert shown[0] == pytest.approx(max(height * scale, 1), abs=1)
    assert shown[1] == pytest.approx(max(width * scale, 1), abs=1)


@given(coordinates, coordinates, coordinates, coordinates)
def test_a_clipped_box_lies_inside_the_picture(x0: float, y0: float, x1: float, y1: float) -> None:
    left, top, right, bottom = clip((x0, y0, x1, y1), 640, 480)
    assert 0 <= left <= 640
    assert 0 <= right <= 640
    assert 0 <= top <= 480
    assert 0 <= bottom <= 480


def test_everything_about_a_face_scales_together() -> None:
    points = np.float32([[1, 2]] * 5)
    face = rescale(Detection((1, 2, 3, 4), 0.7, points, np.float32([[5, 6]] * 68)), 2, 10)
    assert face.box == (2, 20, 6, 40)
    assert face.score == 0.7
    # The centre of the second pixel lies between those of the third and the fourth at twice the width.
    np.testing.assert_array_equal(face.landmarks, np.float32([[2.5, 24.5]] * 5))
    np.testing.assert_array_equal(face.dense, np.float32([[10.5, 64.5]] * 68))


@given(
    arrays.arrays(np.float32, (12, 4), elements=st.floats(1, 100, width=32)),
    arrays.arrays(np.float32, 12, elements=st.floats(0, 1, width=32, exclude_min=True)),
)
def test_what_remains_overlaps_little_and_what_went_overlapped_something_better(
    numbers: np.ndarray, scores: np.ndarray
) -> None:
    boxes = np.hstack([numbers[:, :2], numbers[:, :2] + numbers[:, 2:]])
    kept = suppress(boxes, scores, 0.4)
    assert [scores[index] for index in kept] == sorted((scores[index] for index in kept), reverse=True)
    for place, index in enumerate(kept):
        assert all(overlap(boxes[index], boxes[other]) <= 0.4 + 1e-5 for other in kept[:place])
    for index in set(range(12)) - set(kept):
        assert any(
            overlap(boxes[index], boxes[better]) > 0.4 - 1e-5 and scores[better] >= scores[index] for better in kept
        )


def test_nothing_in_nothing_out() -> None:
    assert suppress(np.empty((0, 4), np.float32), np.empty(0, np.float32), 0.4) == []


def test_a_face_moves_with_all_its_points() -> None:
    points, dense = np.zeros((5, 2), np.float32), np.ones((68, 2), np.float32)
    moved = shift(Detection((1, 2, 3, 4), 0.9, points, dense), 10, 20)
    assert (moved.box, moved.score) == ((11, 22, 13, 24), 0.9)
    assert moved.landmarks.tolist() == [[10, 20]] * 5
    assert moved.dense.tolist() == [[11, 21]] * 68
    assert shift(Detection((1, 2, 3, 4), 0.9, points), 10, 20).dense is None
