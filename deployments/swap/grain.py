"""Giving a face the grain of the picture it is put into: a clean face in a noisy photo looks pasted."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from deployments.compositing.masks import Mask
from deployments.imaging import FloatArray, Pixels

# What is left of a picture where everything smooth, and every line, is taken away (J. Immerkaer, "Fast noise variance
# estimation", CVIU 1996), scaled so that white noise keeps its deviation.
_NOISE: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32) / 6
# Under this deviation, of 255, it is skin: LFW has 0.5, a sharp portrait of 512 px 2.5, one that was made small up to 5.
_LEAST: Final = 4.0
# Beyond this it is dots and lines that something was printed or engraved with, which chance does not imitate.
_MOST: Final = 30.0
# The RGB of one unit of luminance, red and blue difference, as OpenCV's YCrCb has them.
_TO_RGB: Final = np.array([[1, 1, 1], [1.403, -0.714, 0], [0, -0.344, 1.773]], dtype=np.float32)


def match(face: FloatArray, target: Pixels, inside: Mask) -> FloatArray:
    """``face`` with as much noise added as ``target`` has more inside the mask; both RGB 0..255 [H, W, 3]."""
    chosen = inside > 0.5
    if chosen.all() or not chosen.any():
        return face
    # The wrinkles of a small face look like noise, but noise is everywhere.
    wanted, have = np.minimum(_noise(target, chosen), _noise(target, ~chosen)), _noise(face, chosen)
    if wanted[0] <= max(_LEAST, have[0]):
        return face
    wanted *= min(1.0, _MOST / wanted[0])
    missing = np.sqrt(np.maximum(np.square(wanted) - np.square(have), 0))[:, None] * _TO_RGB
    # Always the same for a picture: a swap asked for twice is one answer.
    chance = np.random.default_rng(0)
    noisy = np.empty_like(face)
    for row, noised in zip(face, noisy, strict=True):
        noised[...] = row + chance.standard_normal(row.shape, dtype=np.float32) @ missing
    return noisy


def _noise(pixels: Pixels | FloatArray, inside: npt.NDArray[np.bool_]) -> FloatArray:
    """The deviation of noise in luminance, red and blue difference [3], hardly moved by pores, hair and edges."""
    planes = cv2.split(cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2YCrCb))
    left = [float(np.median(np.abs(cv2.filter2D(plane, -1, _NOISE)[inside]))) for plane in planes]
    return np.array(left, dtype=np.float32) * np.float32(1.4826)
