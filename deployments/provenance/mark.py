"""The visible mark: a small carnival mask in the lower right corner."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from deployments.imaging import Photo, Pixels, encode

Curve = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
Alpha = npt.NDArray[np.float32]  # [height, width], 0..1

SMALLEST_SIDE = 64
"""Pictures with a shorter side than this are icons; a mark would cover them."""

# One half of the mask as cubic Bezier curves, x from the nose outwards in 0..1, y downwards in -0.5..0.5.
_RIM: tuple[Curve, ...] = (
    ((0.0, -0.17), (0.22, -0.34), (0.60, -0.30), (1.0, -0.5)),
    ((1.0, -0.5), (1.02, -0.12), (0.95, 0.18), (0.70, 0.36)),
    ((0.70, 0.36), (0.50, 0.49), (0.25, 0.40), (0.15, 0.16)),
    ((0.15, 0.16), (0.11, 0.07), (0.05, 0.05), (0.0, 0.05)),
)
_EYE: tuple[Curve, ...] = (
    ((0.19, 0.05), (0.30, -0.16), (0.58, -0.18), (0.76, -0.10)),
    ((0.76, -0.10), (0.66, 0.14), (0.36, 0.20), (0.19, 0.05)),
)

_SHARE, _SMALLEST, _LARGEST = 0.032, 10, 72  # the mask's height: a share of the picture's short side, in bounds
_OPACITY, _RIM_OPACITY = 0.72, 0.40
_WHITE, _DARK, _LIGHT_GROUND = 255, 16, 140
_OVERSAMPLING = 8


def mark(pixels: Pixels) -> Pixels:
    """A copy with the mark in its lower right corner; pictures under :data:`SMALLEST_SIDE` come back as they are.

    Half transparent, white with a dark rim, or the other way round on a light ground: it can be made out anywhere and
    does not shout.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        return pixels
    size = int(np.clip(round(_SHARE * min(height, width)), _SMALLEST, _LARGEST))
    body, shadow = _glyph(size)
    inset = round(0.25 * size)
    top, left = height - inset - body.shape[0], width - inset - body.shape[1]
    marked = pixels.copy()
    corner = marked[top : top + body.shape[0], left : left + body.shape[1]]
    ink, rim = (_DARK, _WHITE) if corner.mean() > _LIGHT_GROUND else (_WHITE, _DARK)
    ground = corner + (rim - corner.astype(np.float32)) * _RIM_OPACITY * shadow[..., None]
    corner[:] = np.rint(ground + (ink - ground) * _OPACITY * body[..., None])
    return marked


def encode_marked(pixels: Pixels) -> bytes:
    """What is shown as it is, such as a collage: a JPEG with the mark."""
    return encode(mark(pixels))


def marked_result(pixels: Pixels, photo: Photo) -> Photo:
    """What an engine made of ``photo``, with the mark."""
    return Photo.made(mark(pixels), photo.digest)


@lru_cache(maxsize=64)
def _glyph(size: int) -> tuple[Alpha, Alpha]:
    """``(body, shadow)`` for a mask ``size`` pixels high and twice as wide, with room for the shadow around it."""
    scale = size * _OVERSAMPLING
    border = scale // 3
    canvas = np.zeros((scale + 2 * border, 2 * scale + 2 * border), np.uint8)
    offset = np.array((scale + border, scale / 2 + border))
    for curves, ink in ((_RIM, 255), (_EYE, 0)):
        half = _polyline(curves)
        mirrored = half[::-1] * (-1, 1)
        shapes = [np.concatenate((half, mirrored))] if curves is _RIM else [half, mirrored]
        cv2.fillPoly(canvas, [np.rint(shape * scale + offset).astype(np.int32) for shape in shapes], ink)
    small = (canvas.shape[1] // _OVERSAMPLING, canvas.shape[0] // _OVERSAMPLING)
    body: Alpha = cv2.resize(canvas, small, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    shadow = cv2.GaussianBlur(canvas, (0, 0), 0.09 * scale)
    spread: Alpha = cv2.resize(shadow, small, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    return body, np.minimum(spread * np.float32(1.6), np.float32(1))


def _polyline(curves: tuple[Curve, ...]) -> npt.NDArray[np.float64]:
    """Points along joined cubic Bezier curves."""
    t = np.linspace(0, 1, 24)[:, None]
    weights = np.concatenate(((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3), axis=1)
    return np.concatenate([weights @ np.array(curve) for curve in curves])
