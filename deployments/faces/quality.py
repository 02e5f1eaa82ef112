"""How usable a face is: large enough, sharp, towards the camera, and surely a face."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from deployments.faces.boxes import shorter_side
from deployments.faces.types import Box, Pose, Quality
from deployments.imaging import Pixels

# Variance of the Laplacian of a 112 px crop whose contrast is normalised: between these lies everything from a face
# one would call blurred to one as sharp as 112 pixels can show.
_BLURRED: Final = 0.0012
_SHARP: Final = 0.025
_SMOOTHING: Final = 0.8
# From this size on more pixels add nothing to a 112 px crop; under the smaller one there is no likeness left.
_FULL_SIZE: Final = 112.0
_LEAST_SIZE: Final = 12.0


def measure(aligned: Pixels, box: Box, pose: Pose, confidence: float) -> Quality:
    """Judge one face from its 112 px crop, its box in pixels of the photo, its pose and the detector's confidence.

    The score is the product of four numbers in 0..1: size (logarithmic between 12 and 112 px), sharpness, frontality
    (cosine of yaw and of pitch) and confidence, so that one bad quality is enough to make a face unusable.
    """
    size = shorter_side(box)
    blurred = blur(aligned)
    enough = np.clip(np.log(max(size, 1.0) / _LEAST_SIZE) / np.log(_FULL_SIZE / _LEAST_SIZE), 0, 1)
    frontal = max(np.cos(np.radians(pose.yaw)), 0) * max(np.cos(np.radians(pose.pitch)), 0)
    # Blur costs at most three quarters: embedders still recognise most faces that people would call blurred.
    score = float(enough * (1 - 0.75 * blurred) * frontal * confidence)
    return Quality(size=float(size), blur=blurred, score=score)


def blur(aligned: Pixels) -> float:
    """0 (sharp) to 1 (blurred), from the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000) of a crop.

    The variance is divided by that of the crop itself, so that dim light does not pass for blur, and put on a
    logarithmic scale.
    """
    grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # The middle of the crop is face; hair and background at the edges may be sharper or softer than it is.
    contrast = float(grey[16:-16, 16:-16].var())
    if contrast < 1.0:
        return 1.0
    # Smoothed a little first, because grain and rounding have strong second derivatives of their own.
    edges = cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), _SMOOTHING), cv2.CV_32F)
    sharpness = float(edges[16:-16, 16:-16].var()) / contrast
    return float(1 - np.clip(np.log(max(sharpness, 1e-9) / _BLURRED) / np.log(_SHARP / _BLURRED), 0, 1))
