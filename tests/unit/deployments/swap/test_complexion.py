from __future__ import annotations

import numpy as np
import pytest

from deployments.compositing.tones import to_lab
from deployments.swap import complexion


@pytest.mark.parametrize("skin", [(230, 190, 170), (205, 155, 125), (90, 60, 45)])
def test_skin_is_told_from_background_and_features_in_any_complexion(portrait, skin):
    drawn = portrait(skin=skin, background=(60, 90, 160))
    points = drawn.face.dense
    features = complexion.features((200, 200), points, 4)
    likelihood, median = complexion.likely_skin(to_lab(drawn.pixels), points, features)
    x, y = points[30].astype(int)
    assert likelihood[y - 3 : y + 3, x - 3 : x + 3].mean() > 0.6
    assert likelihood[:20, :20].max() < 0.05
    expected = to_lab(np.full((1, 1, 3), skin, np.uint8))[0, 0]
    assert np.abs(median - expected).max() < 2


def test_a_face_of_a_few_pixels_has_no_skin_model(portrait):
    tiny = portrait(size=16, scale=0.015)
    likelihood, median = complexion.likely_skin(to_lab(tiny.pixels), tiny.face.dense, np.zeros((16, 16), np.float32))
    assert likelihood.max() == 0
    assert np.isfinite(median).all()
