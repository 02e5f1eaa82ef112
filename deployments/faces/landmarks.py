"""The 68 points of a face (iBUG 300-W order), and what can be derived from them.

Points are [N, 2] in pixels, x to the right and y down. "Left" and "right" are those of the picture for an upright head.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from deployments.faces.alignment import ARCFACE_TEMPLATE, transform_points, umeyama
from deployments.faces.types import Face
from deployments.imaging import FloatArray

JAW: Final = slice(0, 17)
BROWS: Final = slice(17, 27)
EYES: Final = slice(36, 48)
MOUTH: Final = slice(48, 68)

LEFT_BROW: Final = slice(17, 22)
RIGHT_BROW: Final = slice(22, 27)
LEFT_EYE: Final = slice(36, 42)
RIGHT_EYE: Final = slice(42, 48)
LIPS: Final = slice(48, 60)

# Where each point lies in a mirrored face.
MIRROR: Final = np.array(
    [
        *(*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31),
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
    ]
)

MIRROR_FIVE: Final = np.array([1, 0, 2, 4, 3])

FOREHEAD_POINTS: Final = 9

# The mean shape of 400 faces in ArcFace's 112 px crop, made symmetrical: the left half and the middle, point by point.
_MEAN_HALF: Final = {
    0: (13.9, 53.0), 1: (14.6, 64.2), 2: (16.4, 74.7), 3: (18.4, 84.2), 4: (22.1, 94.6), 5: (27.9, 103.0),
    6: (34.6, 108.7), 7: (43.0, 114.4), 8: (56.0, 118.0), 17: (23.5, 43.3), 18: (28.3, 40.0), 19: (34.8, 38.8),
    20: (40.6, 39.3), 21: (45.8, 41.1), 27: (56.0, 52.6), 28: (56.0, 60.0), 29: (56.0, 66.8), 30: (56.0, 73.2),
    31: (49.2, 77.2), 32: (52.2, 78.1), 33: (56.0, 79.0), 36: (31.9, 51.7), 37: (35.4, 50.0), 38: (40.7, 49.8),
    39: (45.3, 52.3), 40: (41.1, 53.8), 41: (35.8, 53.8), 48: (40.9, 90.8), 49: (46.1, 88.0), 50: (52.7, 86.0),
    51: (56.0, 86.7), 57: (56.0, 98.5), 58: (51.1, 97.8), 59: (46.4, 95.5), 60: (42.0, 90.7), 61: (51.4, 89.8),
    62: (56.0, 89.7), 66: (56.0, 93.3), 67: (51.5, 93.0),
}  # fmt: skip


def _mean_shape() -> FloatArray:
    shape = np.zeros((68, 2), dtype=np.float32)
    for index, (x, y) in _MEAN_HALF.items():
        shape[index] = x, y
        shape[MIRROR[index]] = 112 - x, y
    return shape


MEAN_SHAPE: Final = _mean_shape()


def five_of(points: FloatArray) -> FloatArray:
    """The five points [5, 2] of :class:`Face` among the 68: centres of the eyes, tip of the nose, corners of the mouth."""
    return np.stack([points[LEFT_EYE].mean(axis=0), points[RIGHT_EYE].mean(axis=0), points[30], points[48], points[54]])


def dense_points(face: Face) -> FloatArray:
    """The face's own 68 points or, where its backend only finds five, the mean shape laid over those.

    The mean shape knows neither expression nor the shape of this chin, so what is built on it has to be gentler.
    """
    if face.dense is not None:
        return face.dense
    return transform_points(MEAN_SHAPE, umeyama(ARCFACE_TEMPLATE, face.landmarks))


def upwards(points: FloatArray) -> FloatArray:
    """The unit vector from the chin to the root of the nose."""
    axis = points[27] - points[8]
    return np.asarray(axis / max(float(np.linalg.norm(axis)), 1e-6), dtype=np.float32)


def forehead(points: FloatArray) -> FloatArray:
    """An arc of :data:`FOREHEAD_POINTS` points over the brows, which the 68 points do not cover.

    Its height is extrapolated from the distance between brows and nose: classical proportion makes hairline to brow
    as long as brow to nose, and the arc stays below that, because fringes are common and thresholds of hair are not.
    """
    up = upwards(points)
    left, right = points[17], points[26]
    height = 0.62 * float(np.linalg.norm(points[33] - (points[19] + points[24]) / 2))
    along = np.linspace(0, 1, FOREHEAD_POINTS, dtype=np.float32)
    profile = np.sqrt(1 - 0.9 * (2 * along - 1) ** 2)
    brow_line = np.interp(along, np.linspace(0, 1, 10), (points[BROWS] - left) @ up)
    arc = left + (right - left) * along[:, None] + up * (height * profile + 0.5 * brow_line)[:, None]
    return np.asarray(arc, dtype=np.float32)


def with_forehead(points: FloatArray) -> FloatArray:
    """The 68 points followed by those of :func:`forehead`: [77, 2]."""
    return np.concatenate([points, forehead(points)])


def face_size(points: FloatArray) -> float:
    """The side of a square as large as the hull of the points, in pixels: the unit all distances are measured in.

    Unlike the distance between the ears or from brow to chin it hardly changes when a head turns or nods.
    """
    hull = cv2.convexHull(np.ascontiguousarray(points, dtype=np.float32))
    return max(float(np.sqrt(cv2.contourArea(hull))), 1e-3)


def mirrored(points: FloatArray, width: int) -> FloatArray:
    """The 68 points after the picture of ``width`` px they lie in was mirrored left to right."""
    return np.asarray(points[MIRROR] * (-1, 1) + (width - 1, 0), dtype=np.float32)
