from __future__ import annotations

import cv2
import numpy as np
import pytest

from deployments.swap.sharpness import detail, match

EVERYWHERE = np.ones((120, 120), np.float32)


@pytest.fixture
def texture():
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 0.8)


def test_a_source_as_sharp_as_its_target_is_left_alone(texture):
    assert match(texture, texture, EVERYWHERE) is texture


@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_a_sharp_source_becomes_as_soft_as_its_target(texture, sigma):
    soft = cv2.GaussianBlur(texture, (0, 0), sigma)
    assert detail(match(texture, soft, EVERYWHERE), EVERYWHERE) == pytest.approx(detail(soft, EVERYWHERE), rel=0.1)


def test_a_soft_source_becomes_sharper_but_no_sharper_than_its_target(texture):
    soft = cv2.GaussianBlur(texture, (0, 0), 1.0)
    before, after, wanted = (detail(pixels, EVERYWHERE) for pixels in (soft, match(soft, texture, EVERYWHERE), texture))
    assert before < after <= 1.05 * wanted


def test_brightness_and_contrast_do_not_pass_for_sharpness(texture):
    dim = (texture * 0.4 + 20).astype(np.uint8)
    assert detail(dim, EVERYWHERE) == pytest.approx(detail(texture, EVERYWHERE), rel=0.05)


def test_a_mask_without_pixels_has_no_detail(texture):
    assert detail(texture, np.zeros((120, 120), np.float32)) == 0
