from __future__ import annotations

import numpy as np
import pytest

from deployments.provenance import mark


def changed(before, after):
    rows, columns = np.nonzero((before != after).any(axis=2))
    return rows.min(), rows.max(), columns.min(), columns.max()


@pytest.mark.parametrize("level", [0, 60, 128, 139, 141, 200, 255])
def test_the_mark_can_be_made_out_on_any_ground(level):
    ground = np.full((600, 800, 3), level, np.uint8)
    marked = mark(ground)
    assert (np.abs(marked.astype(int) - level) > 50).any(axis=2).sum() > 100


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 900), (480, 640), (3000, 4000), (6000, 200)])
def test_the_mark_stays_small_in_the_lower_right_corner(height, width):
    ground = np.full((height, width, 3), 90, np.uint8)
    marked = mark(ground)
    top, bottom, left, right = changed(ground, marked)
    assert 2 * height // 3 < top <= bottom < height
    assert left > width // 2 and right < width
    short = min(height, width)
    assert bottom - top < max(20, 0.06 * short)
    assert right - left < max(36, 0.10 * short)


def test_the_mark_is_a_mask_with_two_eyes():
    marked = mark(np.zeros((2000, 2000, 3), np.uint8))[..., 0]
    rows, columns = np.nonzero(marked > 150)
    row = marked[(rows.min() + rows.max()) // 2, columns.min() : columns.max() + 1] > 150
    runs = np.count_nonzero(np.diff(np.pad(row, 1).astype(int)) == 1)
    assert runs == 3, "cheek, bridge of the nose, cheek, with an eye on either side"
    body = marked[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(int)
    assert np.abs(body - body[:, ::-1]).max() <= 40


def test_the_picture_itself_is_not_written_to():
    ground = np.full((200, 200, 3), 90, np.uint8)
    mark(ground)
    assert (ground == 90).all()


@pytest.mark.parametrize("shape", [(63, 500, 3), (500, 63, 3), (1, 1, 3)])
def test_icons_are_left_alone(shape):
    icon = np.full(shape, 90, np.uint8)
    assert mark(icon) is icon
