"""Pixels as networks take them, and back, in as few passes over memory as it takes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from deployments.imaging import Pixels

Tensor = npt.NDArray[np.float32]


def to_planes(pixels: Pixels, out: Tensor | None = None) -> Tensor:
    """[H,W,3] 0..255 -> [3,H,W] 0..1, into ``out`` where that is given."""
    planes = np.empty((3, *pixels.shape[:2]), np.float32) if out is None else out
    for channel, plane in zip(cv2.split(pixels), planes, strict=True):
        np.divide(channel, np.float32(255), out=plane)
    return planes


def to_pixels(planes: Tensor) -> Pixels:
    """[3,H,W] 0..1 -> [H,W,3] 0..255. Raises ``ValueError`` for values that are no numbers: they would be black spots."""
    if not np.isfinite(planes).all():
        raise ValueError("the network paints values that are no numbers")
    channels = [cv2.convertScaleAbs(plane, alpha=255) for plane in planes]
    return np.asarray(cv2.merge(channels), np.uint8)
