from __future__ import annotations

import numpy as np
import pytest

from deployments.swap import masks
from deployments.swap.colour import to_lab


def test_a_hull_is_filled_and_the_rest_is_not():
    square = np.array([[10, 10], [30, 10], [30, 30], [10, 30]], np.float32)
    mask = masks.hull((50, 50), square)
    assert mask[20, 20] == 1
    assert mask[5, 5] == 0
    assert mask.dtype == np.float32


def test_feathering_touches_nothing_outside():
    square = np.array([[10, 10], [40, 10], [40, 40], [10, 40]], np.float32)
    mask = masks.hull((60, 60), square)
    faded = masks.feather(mask, 8)
    assert faded[mask == 0].max() == 0
    assert faded[25, 25] == 1
    assert 0 < faded[25, 14] < 1


def test_a_face_cut_by_the_border_does_not_fade_there():
    mask = np.zeros((40, 40), np.float32)
    mask[:, :20] = 1
    assert masks.feather(mask, 6)[20, 0] == 1


@pytest.mark.parametrize("skin", [(230, 190, 170), (205, 155, 125), (90, 60, 45)])
def test_skin_is_told_from_background_and_features_in_any_complexion(portrait, skin):
    drawn = portrait(skin=skin, background=(60, 90, 160))
    points = drawn.face.dense
    features = masks.features((200, 200), points, 4)
    likelihood, median = masks.skin(to_lab(drawn.pixels), points, features)
    x, y = points[30].astype(int)
    assert likelihood[y - 3 : y + 3, x - 3 : x + 3].mean() > 0.6
    assert likelihood[:20, :20].max() < 0.05
    expected = to_lab(np.full((1, 1, 3), skin, np.uint8))[0, 0]
    assert np.abs(median - expected).max() < 2


def test_a_face_of_a_few_pixels_has_no_skin_model(portrait):
    tiny = portrait(size=16, scale=0.015)
    likelihood, median = masks.skin(to_lab(tiny.pixels), tiny.face.dense, np.zeros((16, 16), np.float32))
    assert likelihood.max() == 0
    assert np.isfinite(median).all()


def test_the_lower_part_of_a_face_reaches_over_both_pairs_of_brows(portrait):
    low, high = portrait().face.dense, portrait().face.dense.copy()
    high[17:27, 1] -= 10
    part = masks.below_brows((200, 200), (low, high), (3, 3))
    for points in (low, high):
        for x, y in points[18:26].astype(int):
            assert part[y, x] == 1
