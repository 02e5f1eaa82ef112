"""dlib's 68 points: regression trees (Kazemi and Sullivan, CVPR 2014), learnt from iBUG 300-W."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import dlib
import numpy as np

from deployments.faces import pose
from deployments.faces.alignment import invert, transform_points, warp
from deployments.imaging import FloatArray, Pixels

# The box in which dlib's own detector would see a face, by which the trees were trained: so many millimetres wide, and
# its middle there in the face that poses are estimated with. Fitted to its boxes of 1,572 faces of LFW.
_BOX_MM: Final = 150
_MIDDLE_MM: Final = (-4.0, 30.0, 8.0, 1.0)
# Shown at one pixel a millimetre, with as much around it on every side as the points of a profile reach.
_MARGIN: Final = 75


class Predictor:
    """Looks at a face turned upright, for it knows no others, in a box such as it was trained with."""

    def __init__(self, path: Path) -> None:
        """Raises ``RuntimeError`` for a file that is none of dlib's predictors."""
        self._trees = dlib.shape_predictor(str(path))

    def __call__(self, picture: Pixels, five: FloatArray) -> FloatArray:
        """The 68 iBUG points [68, 2] of the face in ``picture`` that has the points ``five`` [5, 2]."""
        upright = _upright(five)
        patch = warp(picture, upright, _BOX_MM + 2 * _MARGIN)
        box = dlib.rectangle(_MARGIN, _MARGIN, _MARGIN + _BOX_MM - 1, _MARGIN + _BOX_MM - 1)
        shape = self._trees(patch, box)
        points = np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float32)
        return transform_points(points, invert(upright))


def _upright(five: FloatArray) -> FloatArray:
    """The [2, 3] matrix that turns a face upright, at one pixel a millimetre, its box in the middle of the patch."""
    camera = pose.camera(five)
    pixels_per_mm = np.sqrt(np.square(camera[:, :3]).sum() / 2)
    middle = camera @ _MIDDLE_MM
    turn = cv2.getRotationMatrix2D(middle.tolist(), pose.estimate(five).roll, 1 / pixels_per_mm)
    shift = (_MARGIN + _BOX_MM / 2 - middle)[:, None]
    return np.hstack([turn[:, :2], turn[:, 2:] + shift]).astype(np.float32)
