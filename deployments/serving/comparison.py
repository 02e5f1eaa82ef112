"""How far two versions' answers to one question lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from deployments.imaging import Pixels
from deployments.serving.outcomes import deviation, leaves

# Differences that matter are seen at this size; computing them at full size would cost as much as the answer.
_SIDE = 256
_SIGMA = 1.5
_LUMINANCE, _CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """``similarity`` of pictures (structural, 1 is equal), ``delta`` the largest difference of a number otherwise.

    ``disagree``: one allows what the other refuses, or the answers differ in kind (another number of faces, say).
    """

    similarity: float | None
    delta: float
    disagree: bool


def compare(one: object, other: object) -> Comparison:
    """Compare two answers of one kind of engine."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and one.ndim == 3:
        if one.shape != other.shape:
            return Comparison(0.0, 0.0, disagree=True)
        return Comparison(structural_similarity(one, other), 0.0, disagree=False)
    mine, theirs = leaves(one), leaves(other)
    deltas = {path: deviation(leaf, theirs.get(path)) for path, leaf in mine.items()}
    numbers = [delta for delta in deltas.values() if np.isfinite(delta)]
    disagree = deltas.get("allowed", 0.0) != 0 or mine.keys() != theirs.keys() or len(numbers) < len(deltas)
    return Comparison(None, max(numbers, default=0.0), disagree)


def structural_similarity(one: Pixels, other: Pixels) -> float:
    """SSIM (Wang et al. 2004) of two RGB pictures of one size, in grey at :data:`_SIDE` pixels; 1 for equal ones."""
    first, second = (_small_grey(picture) for picture in (one, other))

    def blurred(
        grey: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.asarray(cv2.GaussianBlur(grey, (0, 0), _SIGMA), np.float32)

    mean_1, mean_2 = blurred(first), blurred(second)
    variance_1, variance_2 = blurred(first * first) - mean_1 * mean_1, blurred(second * second) - mean_2 * mean_2
    covariance = blurred(first * second) - mean_1 * mean_2
    quality = ((2 * mean_1 * mean_2 + _LUMINANCE) * (2 * covariance + _CONTRAST)) / (
        (mean_1 * mean_1 + mean_2 * mean_2 + _LUMINANCE) * (variance_1 + variance_2 + _CONTRAST)
    )
    return float(quality.mean())


def _small_grey(picture: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    height, width = picture.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
