"""Pixels at another size."""

from __future__ import annotations

import cv2
import numpy as np

from deployments.imaging.types import Pixels


def resized(pixels: Pixels, width: int, height: int) -> Pixels:
    """The picture at another size: averaged when it shrinks, cubic interpolation when it grows."""
    shrinks = width * height < pixels.shape[0] * pixels.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=way), np.uint8)
