"""Where in a picture the face is, which part of it is skin, and how strongly the new face covers the old one.

All masks are float32 [H, W] in 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from deployments.faces.landmarks import BROWS, LEFT_BROW, LEFT_EYE, LIPS, RIGHT_BROW, RIGHT_EYE, upwards
from deployments.faces.types import FloatArray

Mask = npt.NDArray[np.float32]

# Sub-pixel precision of cv2.fillConvexPoly, in bits.
_SHIFT: Final = 4

# Both cheeks and the back of the nose: the places that are nearly always skin.
_SKIN_PATCHES: Final = ((1, 3, 5, 48, 31, 39), (15, 13, 11, 54, 35, 42), (27, 31, 33, 35))
# The least spread that is ascribed to skin in L*, a* and b*: evenly lit faces have tiny ones.
_LEAST_SPREAD: Final = np.array([7.0, 3.0, 3.0], dtype=np.float32)


def hull(shape: tuple[int, int], *outlines: FloatArray) -> Mask:
    """The union of the convex hulls of ``outlines``, each [N, 2], with antialiased borders."""
    mask = np.zeros(shape, dtype=np.uint8)
    for outline in outlines:
        corners = cv2.convexHull(np.round(outline * 2**_SHIFT).astype(np.int32))
        cv2.fillConvexPoly(mask, corners, 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(mask / np.float32(255), dtype=np.float32)


def features(shape: tuple[int, int], points: FloatArray, margin: float) -> Mask:
    """Eyes, brows and mouth with a margin in px: what is in a face and not skin."""
    parts = hull(shape, *(points[part] for part in (LEFT_BROW, RIGHT_BROW, LEFT_EYE, RIGHT_EYE, LIPS)))
    side = max(3, int(2 * margin) | 1)
    return np.asarray(cv2.dilate(parts, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))))


def skin(lab: FloatArray, points: FloatArray, not_skin: Mask) -> tuple[Mask, FloatArray]:
    """How likely each pixel is this person's skin, and the median colour of it.

    ``lab`` [H, W, 3] is CIE L*a*b*. The colour model is one robust Gaussian (median and median absolute deviation) of
    cheeks and nose, so it knows any complexion and any light, and hair, glasses, hats and hands fall out of it.
    """
    shape = lab.shape[:2]
    patches = hull(shape, *(points[list(patch)] for patch in _SKIN_PATCHES))
    samples = lab[(patches > 0.5) & (not_skin < 0.5)]
    if len(samples) < 8:
        return np.zeros(shape, dtype=np.float32), np.array([60, 10, 15], dtype=np.float32)
    median = np.median(samples, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(samples - median), axis=0), _LEAST_SPREAD) * 1.55
    deviation = (lab - median) / spread
    # Sunlit and shining skin is still skin; what is darker is more likely hair, glasses or a shadow.
    deviation[..., 0] = np.where(deviation[..., 0] > 0, 0.4 * deviation[..., 0], deviation[..., 0])
    distance = np.square(deviation).sum(axis=-1)
    likelihood = np.exp(-0.25 * np.maximum(distance - 1, 0))
    return np.asarray(likelihood, dtype=np.float32), np.asarray(median, dtype=np.float32)


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


def below_brows(shape: tuple[int, int], outlines: Sequence[FloatArray], margins: Sequence[float]) -> Mask:
    """The part of faces from the chin to a ``margin`` in px above the brows: where the new face covers everything.

    ``outlines`` are sets of 68 points; brows of all of them are inside, so that no second pair shows.
    """
    raised = [points[BROWS] + upwards(points) * margin for points, margin in zip(outlines, margins, strict=True)]
    return hull(shape, np.concatenate([outlines[0], *raised]))
