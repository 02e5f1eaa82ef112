"""The three ways of hiding a face.

What survives must not be enough to find the person again, not even for somebody who treats photos of candidates the
same way and compares them (R. McPherson et al., "Defeating image obfuscation with deep learning", 2016; the "parrot attack"
of E. Newton et al., TKDE 2005). So the coarseness is relative to the face, all detail is averaged away rather than
filtered, and only ``replace`` is independent of the face altogether.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from deployments.anonymize.disguise import draw
from deployments.anonymize.region import FaceEllipse
from deployments.faces.types import Face, FloatArray
from deployments.imaging import Pixels
from deployments.swap.masks import Mask
from deployments.swap.paste import Region

# New pixels [H, W, 3] (RGB 0..255) for a region, and how much of them shows.
Painter = Callable[[Pixels, Face, FaceEllipse, Region], tuple[FloatArray, Mask]]

_BLUR_CELLS: Final = 5
_PIXEL_CELLS: Final = 7


def blur(pixels: Pixels, face: Face, ellipse: FaceEllipse, region: Region) -> tuple[FloatArray, Mask]:  # noqa: ARG001
    """A soft shade of the face's colours: averaged to 5 cells across, smoothed, and enlarged again."""
    small = cv2.GaussianBlur(_cells(pixels, ellipse.size / _BLUR_CELLS), (0, 0), 0.8)
    smooth = cv2.resize(small, (region.width, region.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth, 0, 255), dtype=np.float32), ellipse.mask(region)


def pixelate(pixels: Pixels, face: Face, ellipse: FaceEllipse, region: Region) -> tuple[FloatArray, Mask]:  # noqa: ARG001
    """Flat square cells, 7 across the face. A cell is painted whole when any of the face is in it."""
    side = max(round(ellipse.size / _PIXEL_CELLS), 2)
    columns, rows = -(-region.width // side), -(-region.height // side)
    bottom, right = rows * side - region.height, columns * side - region.width
    padded = cv2.copyMakeBorder(pixels, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    face_mask = cv2.copyMakeBorder(ellipse.mask(region), 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=0)
    cells = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
    hit = (face_mask.reshape(rows, side, columns, side).max(axis=(1, 3)) >= 1).astype(np.float32)
    painted, mask = (
        np.kron(values, block)[: region.height, : region.width]
        for values, block in ((cells, np.ones((side, side, 1), np.uint8)), (hit, np.ones((side, side), np.float32)))
    )
    return np.asarray(painted, dtype=np.float32), np.asarray(mask, dtype=np.float32)


def replace(pixels: Pixels, face: Face, ellipse: FaceEllipse, region: Region) -> tuple[FloatArray, Mask]:
    """A carnival mask that covers the face, lit like its surroundings."""
    mask = ellipse.mask(region)
    around = pixels[mask == 0]
    light = float(around.mean()) / 255 if around.size else 0.5
    return draw(ellipse, region, face.pose.yaw, light), mask


def _cells(pixels: Pixels, side: float) -> FloatArray:
    """Averages over cells of about ``side`` px."""
    size = (max(round(pixels.shape[1] / side), 1), max(round(pixels.shape[0] / side), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
