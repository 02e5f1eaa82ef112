"""Colours and strength: how a painting and its photo are put together."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from deployments.imaging import Pixels

# What a painting's colours are taken to be spread by at least, in squared levels: a plain one has none to spread further.
LEAST_VARIANCE = 25.0
# Contrast is raised by so much at most: beyond, the painting's grain would be drawn out with it. In lightness it is lowered
# by so much at most: beyond, its strokes would be lost.
MOST_GAIN = 1.6

_GREYS = np.full((3, 3), 1 / 3)  # what projects colours on the axis of greys


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
    for the end that Gatys et al. 2017 match colours for. No direction is stretched more than ``MOST_GAIN`` times, and of
    the painting's contrast in lightness at least ``1 / MOST_GAIN`` is left, however flat the palette is; colour goes where
    the palette has none.
    """
    own = Palette.of(painting)
    present = own.covariance + LEAST_VARIANCE * np.eye(3)
    lacking = _lightness(present) / MOST_GAIN**2 - _lightness(palette.covariance)
    wanted = palette.covariance + max(0.0, lacking) * _GREYS
    root, inverse = _power(present, 0.5), _power(present, -0.5)
    gains, axes = np.linalg.eigh(inverse @ _power(root @ wanted @ root, 0.5) @ inverse)
    matrix = (axes * np.minimum(gains, MOST_GAIN)) @ axes.T
    affine = np.column_stack([matrix, palette.mean - matrix @ own.mean])
    return np.asarray(cv2.transform(painting, affine), np.uint8)


def _lightness(covariance: npt.NDArray[np.float64]) -> float:
    """How colours of this covariance are spread along the axis of greys, in squared levels."""
    return float(np.trace(covariance @ _GREYS))


def _power(matrix: npt.NDArray[np.float64], exponent: float) -> npt.NDArray[np.float64]:
    """Of a symmetric matrix without negative eigenvalues."""
    values, axes = np.linalg.eigh(matrix)
    raised: npt.NDArray[np.float64] = (axes * np.maximum(values, 1e-6) ** exponent) @ axes.T
    return raised


def keep_photo_colours(painting: Pixels, photo: Pixels) -> Pixels:
    """Strokes from the painting, colours from the photo (luminance-only transfer, Gatys et al. 2017), in YCrCb.

    The painting's luma is first brought to the mean and the deviation of the photo's, its contrast changed by ``MOST_GAIN`` at
    most either way: a dark colour on a painting lighter than the photo would be a pale one, and white paper grey.
    """
    mixed = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb)
    luma = cv2.cvtColor(painting, cv2.COLOR_RGB2GRAY)
    (own_mean, own_deviation), (mean, deviation) = _statistics(luma), _statistics(mixed[:, :, 0])
    gain = float(np.clip(deviation / max(own_deviation, 1.0), 1 / MOST_GAIN, MOST_GAIN))
    levels = np.arange(256, dtype=np.float32)
    table = np.clip(np.rint((levels - own_mean) * gain + mean), 0, 255).astype(np.uint8)
    mixed[:, :, 0] = cv2.LUT(luma, table)
    return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_YCrCb2RGB), np.uint8)


def _statistics(luma: cv2.typing.MatLike) -> tuple[float, float]:
    """Mean and standard deviation, in levels."""
    mean, deviation = cv2.meanStdDev(luma)
    return float(mean[0, 0]), float(deviation[0, 0])


def mix(painting: Pixels, photo: Pixels, share: float) -> Pixels:
    """``share`` of the painting, the rest photo, pixel by pixel."""
    return np.asarray(cv2.addWeighted(painting, share, photo, 1 - share, 0), np.uint8)
