from __future__ import annotations

import cv2
import numpy as np
import pytest

from deployments.faces import quality
from deployments.faces.types import Pose

AHEAD = Pose(0, 0, 0)
BOX = (10.0, 10.0, 130.0, 150.0)


@pytest.fixture(scope="module")
def crop() -> np.ndarray:
    """Edges and texture of the strength a sharp portrait has."""
    rng = np.random.default_rng(0)
    coarse = cv2.resize(rng.integers(40, 220, (5, 5, 3), np.uint8), (112, 112), interpolation=cv2.INTER_CUBIC)
    return np.clip(coarse + rng.normal(0, 12, coarse.shape), 0, 255).astype(np.uint8)


def test_the_size_is_the_shorter_side_of_the_box(crop: np.ndarray) -> None:
    assert quality.measure(crop, BOX, AHEAD, 1.0).size == 120


def test_blur_grows_with_the_radius_of_a_gaussian(crop: np.ndarray) -> None:
    blurs = [quality.blur(cv2.GaussianBlur(crop, (0, 0), sigma)) for sigma in (0.5, 1.0, 2.0, 4.0)]
    assert blurs == sorted(blurs)
    assert quality.blur(crop) == 0
    assert blurs[-1] > 0.9


def test_dim_light_is_not_blur(crop: np.ndarray) -> None:
    soft = cv2.GaussianBlur(crop, (0, 0), 1.0)
    dim = (soft.astype(np.float32) * 0.4 + 10).astype(np.uint8)
    assert quality.blur(dim) == pytest.approx(quality.blur(soft), abs=0.15)


def test_a_crop_of_one_colour_is_as_blurred_as_can_be() -> None:
    assert quality.blur(np.full((112, 112, 3), 90, np.uint8)) == 1


def test_the_best_face_scores_one(crop: np.ndarray) -> None:
    assert quality.measure(crop, BOX, AHEAD, 1.0).score == pytest.approx(1)


@pytest.mark.parametrize(
    ("box", "pose", "confidence"),
    [
        ((0.0, 0.0, 20.0, 20.0), AHEAD, 1.0),
        (BOX, Pose(70, 0, 0), 1.0),
        (BOX, Pose(0, -65, 0), 1.0),
        (BOX, AHEAD, 0.4),
    ],
    ids=["small", "profile", "looking down", "hardly a face"],
)
def test_one_weakness_is_enough_for_a_low_score(
    crop: np.ndarray, box: tuple[float, float, float, float], pose: Pose, confidence: float
) -> None:
    assert quality.measure(crop, box, pose, confidence).score < 0.5


def test_a_tilted_head_is_as_good_as_an_upright_one(crop: np.ndarray) -> None:
    assert quality.measure(crop, BOX, Pose(0, 0, 170), 1.0) == quality.measure(crop, BOX, AHEAD, 1.0)


@pytest.mark.parametrize("box", [(5.0, 5.0, 5.0, 90.0), (0.0, 0.0, 0.4, 0.4)])
def test_a_box_without_extent_scores_nothing(crop: np.ndarray, box: tuple[float, float, float, float]) -> None:
    assert quality.measure(crop, box, AHEAD, 1.0).score == 0
