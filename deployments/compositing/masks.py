"""Masks: how much of a new picture shows at each pixel."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from deployments.imaging import FloatArray

Mask = npt.NDArray[np.float32]
"""[H, W], 0..1."""

# Sub-pixel precision of cv2.fillConvexPoly, in bits.
_SHIFT: Final = 4


def hull(shape: tuple[int, int], *outlines: FloatArray) -> Mask:
    """The union of the convex hulls of ``outlines``, each [N, 2], with antialiased borders."""
    mask = np.zeros(shape, dtype=np.uint8)
    for outline in outlines:
        corners = cv2.convexHull(np.round(outline * 2**_SHIFT).astype(np.int32))
        cv2.fillConvexPoly(mask, corners, 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(mask / np.float32(255), dtype=np.float32)


def smoothstep(values: FloatArray) -> Mask:
    """0 under 0, 1 over 1, and a slope without corners between."""
    clipped = np.clip(values, 0, 1)
    return np.asarray(clipped * clipped * (3 - 2 * clipped), dtype=np.float32)


def feather(mask: Mask, width: float) -> Mask:
    """Fade ``mask`` out over ``width`` px inside its border, so that nothing outside it is touched."""
    inside = (mask > 0.5).astype(np.uint8)
    # A border of the array is not a border of the mask: a face that is cut off there need not fade.
    distance = cv2.distanceTransform(cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE), cv2.DIST_L2, 5)
    return smoothstep(np.asarray(distance[1:-1, 1:-1], dtype=np.float32) / max(width, 1e-3))


def soften(mask: Mask, sigma: float) -> Mask:
    """Gaussian blur of a mask."""
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(sigma, 0.3)), dtype=np.float32)


def eroded(mask: Mask, radius: float) -> Mask:
    """A mask without its border of ``radius`` px, and without whatever is narrower than twice that."""
    side = max(3, int(2 * radius) | 1)
    return np.asarray(cv2.erode(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))), dtype=np.float32)
