"""A carnival mask, drawn: what stands in for a face that is replaced.

Nothing of it depends on the face but place, size, roll and the direction it looks in, rounded, so nothing of the face
can be read back from it. The mask is a relief (a height for every point of an oval) that is lit from the upper left.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from deployments.anonymize.region import FaceEllipse
from deployments.compositing.masks import smoothstep
from deployments.imaging import FloatArray

_IVORY: Final = np.array([238, 230, 214], dtype=np.float32)
_GOLD: Final = np.array([196, 154, 74], dtype=np.float32)
_ROSE: Final = np.array([170, 84, 84], dtype=np.float32)
_HOLLOW: Final = np.array([26, 20, 30], dtype=np.float32)
# The left and right eye's place.
_EYE_X: Final = 0.37
_EYE_Y: Final = -0.075
_LIGHT: Final = np.array([-0.45, -0.60, 0.66], dtype=np.float32)

# The drawing reaches this far beyond the ellipse, so that its feathered border is painted too.
_REACH: Final = 1.2
# The mask is drawn at twice its size, within these limits, and averaged down.
_SIDES: Final = (96, 640)
# The least exposure: under it nobody sees that there is a mask.
_DARKEST: Final = 0.12
# Yaw is rounded to this many degrees: enough to look right, too coarse to be a measurement.
_YAW_STEP: Final = 15.0


def draw(ellipse: FaceEllipse, yaw: float, light: float, brightest: float) -> tuple[FloatArray, FloatArray]:
    """The mask over ``ellipse``: a drawing of RGB 0..255 [H, W, 3], and the matrix [2, 3] that brings it to the photo.

    ``yaw`` is in degrees, > 0 to the image's right; ``light`` in 0..1 is the brightness of the surroundings, ``brightest`` that of
    what is bright in the photo.
    """
    side = int(np.clip(2 * ellipse.size, *_SIDES))
    turn = float(np.clip(round(yaw / _YAW_STEP) * _YAW_STEP, -60, 60))
    # Ivory is among the brightest things there are, but in a photo taken in the dark it is dark as well.
    exposure = np.float32(np.clip(1.15 * brightest, _DARKEST, 0.55 + 0.5 * min(light * 1.6, 1.0)))
    drawing = _drawing(side, float(np.sin(np.radians(turn)))) * exposure
    half = side / 2 / _REACH
    # x to the right and y down.
    basis = np.stack([ellipse.across * ellipse.radii[0], -ellipse.up * ellipse.radii[1]], axis=1) / half
    matrix = np.empty((2, 3), dtype=np.float32)
    matrix[:, :2] = basis
    matrix[:, 2] = ellipse.centre - basis @ np.full(2, (side - 1) / 2)
    shrink = side / (2 * _REACH * float(ellipse.radii.mean()))
    if shrink > 1:
        drawing = np.asarray(cv2.GaussianBlur(drawing, (0, 0), 0.4 * shrink), dtype=np.float32)
    return drawing, matrix


def _drawing(side: int, turn: float) -> FloatArray:
    """The mask on a square of ``side`` px; the ellipse is the circle of radius ``side / 2 / _REACH``."""
    line = (np.arange(side, dtype=np.float32) - (side - 1) / 2) / (side / 2 / _REACH)
    across, down = np.meshgrid(line, line)
    # Features wander over the oval with the head, most in its middle.
    x = across - 0.55 * turn * np.clip(1 - across**2, 0, None)
    y = down
    sides = np.abs(x)
    eye = _almond(sides, y)
    height = _relief(x, y, across)
    step = 2 * _REACH / side
    slope_y, slope_x = np.gradient(height, step)
    normal = np.stack([-slope_x, -slope_y, np.ones_like(height)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    diffuse = np.clip(normal @ _LIGHT, 0, 1)
    halfway = _LIGHT + np.array([0, 0, 1], dtype=np.float32)
    gloss = np.clip(normal @ (halfway / np.linalg.norm(halfway)), 0, 1) ** 40

    radius = np.hypot(across, down)
    paint = np.broadcast_to(_IVORY, (side, side, 3)).copy()
    _coat(paint, _GOLD, _line(radius - 0.94, 0.035))
    _coat(paint, _GOLD, _line(eye - 0.05, 0.014))
    _coat(paint, _GOLD, _brow(sides, y))
    _coat(paint, _ROSE, _lips(x, y))
    shaded = paint * (0.52 + 0.60 * diffuse)[..., None] + 46 * gloss[..., None]
    _coat(shaded, _HOLLOW, smoothstep(np.asarray(0.5 - eye / 0.02, dtype=np.float32)))
    return np.asarray(shaded, dtype=np.float32)


def _relief(x: FloatArray, y: FloatArray, across: FloatArray) -> FloatArray:
    """The height of the mask."""
    oval = 0.75 * np.sqrt(np.clip(1.45 - across**2 - y**2, 0.02, None))
    ridge = 0.17 * np.exp(-((x / 0.085) ** 2)) * _plateau(y, -0.12, 0.30, 0.12)
    tip = 0.10 * np.exp(-((x / 0.11) ** 2) - ((y - 0.27) / 0.085) ** 2)
    wings = 0.06 * np.exp(-(((np.abs(x) - 0.12) / 0.06) ** 2) - ((y - 0.30) / 0.06) ** 2)
    brows = 0.07 * np.exp(-(((np.abs(x) - 0.32) / 0.26) ** 2) - ((y + 0.22) / 0.08) ** 2)
    cheeks = 0.07 * np.exp(-(((np.abs(x) - 0.42) / 0.22) ** 2) - ((y - 0.22) / 0.2) ** 2)
    lips = 0.055 * np.exp(-((x / 0.2) ** 2) - ((y - 0.56) / 0.07) ** 2)
    groove = -0.03 * np.exp(-((x / 0.15) ** 2) - ((y - 0.555) / 0.018) ** 2)
    chin = 0.06 * np.exp(-((x / 0.2) ** 2) - ((y - 0.82) / 0.13) ** 2)
    sockets = -0.06 * np.exp(-(((np.abs(x) - _EYE_X) / 0.24) ** 2) - ((y - _EYE_Y) / 0.13) ** 2)
    return np.asarray(oval + ridge + tip + wings + brows + cheeks + lips + groove + chin + sockets, dtype=np.float32)


def _almond(sides: FloatArray, y: FloatArray) -> FloatArray:
    """Signed distance to the eye holes, each the intersection of two discs. ``sides`` is |x|."""
    x = sides - _EYE_X
    middle = y - _EYE_Y + 0.12 * x  # outer corners a little higher
    half_width, half_height = 0.185, 0.088
    radius = (half_width**2 + half_height**2) / (2 * half_height)
    away = radius - half_height
    return np.asarray(np.maximum(np.hypot(x, middle - away), np.hypot(x, middle + away)) - radius, dtype=np.float32)


def _brow(sides: FloatArray, y: FloatArray) -> FloatArray:
    along = (sides - 0.38) / 0.27
    arc = -0.27 - 0.05 * (1 - along**2) - 0.03 * along
    width = 0.026 * np.clip(1 - along**2, 0, 1)
    line = _line(y - arc, np.maximum(width, 1e-3).astype(np.float32))
    return np.where(np.abs(along) < 1, line, np.float32(0))


def _lips(x: FloatArray, y: FloatArray) -> FloatArray:
    along = x / 0.235
    bow = 0.045 * np.clip(1 - along**2, 0, 1) * (1 - 0.35 * np.exp(-((x / 0.05) ** 2)))
    full = 0.062 * np.clip(1 - along**2, 0, 1)
    inside = np.where(y < 0.555, (y - (0.555 - bow)) / 0.012, ((0.555 + full) - y) / 0.012)
    return smoothstep(np.asarray(inside * (np.abs(along) < 1), dtype=np.float32))


def _plateau(values: FloatArray, low: float, high: float, fade: float) -> FloatArray:
    rising = np.asarray((values - low) / fade + 0.5, dtype=np.float32)
    falling = np.asarray((high - values) / fade + 0.5, dtype=np.float32)
    return smoothstep(rising) * smoothstep(falling)


def _line(distance: FloatArray, width: float | FloatArray) -> FloatArray:
    """1 on the line where ``distance`` is 0, fading over ``width``."""
    return smoothstep(np.asarray(1.5 - np.abs(distance) / width, dtype=np.float32))


def _coat(picture: FloatArray, colour: FloatArray, amount: FloatArray) -> None:
    picture += amount[..., None] * (colour - picture)
