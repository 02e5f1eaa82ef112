"""Faces brought upright to a fixed size, as embedding networks were trained to see them.

The transform is the least-squares similarity (rotation, uniform scale, translation; never a mirror image) of
S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991, onto the
five-point template that ArcFace (Deng et al., CVPR 2019) and SFace share.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from deployments.imaging import FloatArray, Pixels

ARCFACE_SIZE: Final = 112

# Left eye, right eye, nose, left and right mouth corner in a 112 px crop.
ARCFACE_TEMPLATE: Final[FloatArray] = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float32,
)

# Five points closer together than this many pixels cannot be aligned, and nothing could be done with such a face.
_LEAST_SPREAD: Final = 1.0


def umeyama(source: FloatArray, target: FloatArray) -> FloatArray:
    """The similarity that takes ``source`` [N, 2] nearest to ``target`` [N, 2], as a [2, 3] affine matrix.

    Raises ``ValueError`` when all source points coincide: such a set has no scale.
    """
    source_mean, target_mean = source.mean(axis=0, dtype=np.float64), target.mean(axis=0, dtype=np.float64)
    centred_source, centred_target = source - source_mean, target - target_mean
    variance = float(np.square(centred_source).sum() / len(source))
    if not np.isfinite(variance) or variance < 1e-12:
        raise ValueError("the points coincide, so no similarity transform is defined")
    left, singular, right = np.linalg.svd(centred_target.T @ centred_source / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = left * signs @ right
    scale = float(singular @ signs) / variance
    matrix = np.empty((2, 3))
    matrix[:, :2] = scale * rotation
    matrix[:, 2] = target_mean - scale * rotation @ source_mean
    return matrix.astype(np.float32)


def alignable(landmarks: FloatArray) -> bool:
    """Whether the points [5, 2] of a face lie far enough apart to tell its size and its turn."""
    return bool(np.ptp(landmarks, axis=0).max() >= _LEAST_SPREAD)


def upright(landmarks: FloatArray) -> bool:
    """Whether the mouth of a face with these points [5, 2] lies under its eyes, or less than an eighth of a turn from there."""
    across, down = landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0)
    return bool(down >= abs(across))


def arcface_transform(landmarks: FloatArray) -> FloatArray:
    """The [2, 3] matrix from picture coordinates to a 112 px ArcFace crop for five ``landmarks`` [5, 2]."""
    return umeyama(landmarks, ARCFACE_TEMPLATE)


def warp(pixels: Pixels, matrix: FloatArray, size: int) -> Pixels:
    """Cut the square of ``size`` px that ``matrix`` [2, 3] describes out of ``pixels``; black beyond the border.

    A crop much smaller than the face is drawn larger first and then averaged down, because bilinear sampling alone
    skips pixels and turns fine texture into noise.
    """
    shrink = 1.0 / max(float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))), 1e-6)
    oversampling = int(np.clip(round(shrink), 1, 16))
    enlarged = matrix * oversampling
    enlarged[:, 2] += (oversampling - 1) / 2  # the centre of a pixel stays where it is when it becomes many
    large = cv2.warpAffine(pixels, enlarged, (size * oversampling, size * oversampling))
    if oversampling > 1:
        large = cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(large, dtype=np.uint8)


def norm_crop(pixels: Pixels, landmarks: FloatArray) -> Pixels:
    """The aligned face: 112 x 112 RGB, eyes level and at the template's place."""
    return warp(pixels, arcface_transform(landmarks), ARCFACE_SIZE)


def transform_points(points: FloatArray, matrix: FloatArray) -> FloatArray:
    """Apply a [2, 3] affine matrix to ``points`` [N, 2]."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def scale_points(points: FloatArray, factor: float | tuple[float, float]) -> FloatArray:
    """``points`` [N, 2] after their picture was resized by ``factor`` (x and y apart where there are two).

    Whole numbers are the centres of pixels, before and after, so the corner that stays in place is (-0.5, -0.5).
    """
    return np.asarray((points + 0.5) * np.asarray(factor) - 0.5, dtype=np.float32)


def invert(matrix: FloatArray) -> FloatArray:
    """The [2, 3] matrix that takes crop coordinates back to the picture."""
    return np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float32)
