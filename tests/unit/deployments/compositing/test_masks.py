from __future__ import annotations

import numpy as np

from deployments.compositing.masks import feather, hull


def test_a_hull_is_filled_and_the_rest_is_not():
    square = np.array([[10, 10], [30, 10], [30, 30], [10, 30]], np.float32)
    mask = hull((50, 50), square)
    assert mask[20, 20] == 1
    assert mask[5, 5] == 0
    assert mask.dtype == np.float32


def test_feathering_touches_nothing_outside():
    square = np.array([[10, 10], [40, 10], [40, 40], [10, 40]], np.float32)
    mask = hull((60, 60), square)
    faded = feather(mask, 8)
    assert faded[mask == 0].max() == 0
    assert faded[25, 25] == 1
    assert 0 < faded[25, 14] < 1


def test_a_face_cut_by_the_border_does_not_fade_there():
    mask = np.zeros((40, 40), np.float32)
    mask[:, :20] = 1
    assert feather(mask, 6)[20, 0] == 1
