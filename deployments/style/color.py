"""Colours and strength: how a painting and its photo are put together."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deployments.imaging import Pixels

# What a colour is spread by at least, in squared levels: a plain picture has no colours to spread others over.
LEAST_VARIANCE = 25.0
# Contrast is raised and lowered by so much at most; beyond, the painting's grain would be drawn out with it.
MOST_GAIN = 1.6


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a picture as a whole: mean [3] and covariance [3,3] over pixels, RGB 0..255."""

    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]

    @classmethod
    def of(cls, picture: Pixels) -> Palette:
        """Over every pixel of [H,W,3]."""
        colours = picture.reshape(-1, 3).astype(np.float32)
        mean = colours.mean(0, dtype=np.float64)
        colours -= mean
        return cls(mean, (colours.T @ colours / len(colours)).astype(np.float64))


def dye(painting: Pixels, palette: Palette) -> Pixels:
    """Give a painting the colours of ``palette``: one affine map of RGB that matches mean and covariance.

    The map is the one that moves colours least (optimal transport between normal distributions; Pitie & Kokaram 2007),
    for the end that Gatys et al. 2017 match colours for. No direction is stretched or pressed more than ``MOST_GAIN``
    times.
    """
    own = Palette.of(painting)
    floor = LEAST_VARIANCE * np.eye(3)
    root = _power(own.covariance + floor, 0.5)
    inverse = _power(own.covariance + floor, -0.5)
    gains, axes = np.linalg.eigh(inverse @ _power(root @ (palette.covariance + floor) @ root, 0.5) @ inverse)
    matrix = (axes * np.clip(gains, 1 / MOST_GAIN, MOST_GAIN)) @ axes.T
    affine = np.column_stack([matrix, palette.mean - matrix @ own.mean])
    return np.asarray(cv2.transform(painting, affine), np.uint8)


def _power(matrix: npt.NDArray[np.float64], exponent: float) -> npt.NDArray[np.float64]:
    """Of a symmetric matrix without negative eigenvalues."""
    values, axes = np.linalg.eigh(matrix)
    raised: npt.NDArray[np.float64] = (axes * np.maximum(values, 1e-6) ** exponent) @ axes.T
    return raised


def keep_photo_colors(painting: Pixels, photo: Pixels) -> Pixels:
    """Brightness from the painting, chroma from the photo (luminance-only transfer, Gatys et al. 2017), in YCrCb."""
    mixed = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb)
    mixed[:, :, 0] = cv2.cvtColor(painting, cv2.COLOR_RGB2YCrCb)[:, :, 0]
    return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB), np.uint8)


def mix(painting: Pixels, photo: Pixels, share: float) -> Pixels:
    """``share`` of the painting, the rest photo, pixel by pixel."""
    return np.asarray(cv2.addWeighted(painting, share, photo, 1 - share, 0), np.uint8)
