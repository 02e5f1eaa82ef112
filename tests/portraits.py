"""Drawn portraits, whose landmarks are known exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from deployments.faces.alignment import ARCFACE_TEMPLATE, transform_points
from deployments.faces.landmarks import LEFT_BROW, LEFT_EYE, LIPS, MEAN_SHAPE, RIGHT_BROW, RIGHT_EYE, with_forehead
from deployments.faces.types import Face, Pose, Quality
from deployments.imaging import FloatArray, Photo, Pixels, encode
from deployments.swap.types import SourceFace


@dataclass(frozen=True)
class Portrait:
    """A drawn picture with one face."""

    pixels: Pixels
    face: Face

    @property
    def photo(self) -> Photo:
        return Photo.open(encode(self.pixels, "image/png"))

    @property
    def source(self) -> SourceFace:
        return SourceFace(self.photo, self.face)

    def with_face(self, **changes: object) -> Portrait:
        return replace(self, face=replace(self.face, **changes))


def face_of(points: FloatArray, five: FloatArray, shape: tuple[int, ...], roll: float = 0.0) -> Face:
    """The face with these 68 and five points in a picture of ``shape``."""
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    box = (max(float(x0), 0), max(float(y0), 0), min(float(x1), shape[1]), min(float(y1), shape[0]))
    quality = Quality(size=min(box[2] - box[0], box[3] - box[1]), blur=0.0, score=1.0)
    return Face(box, 1.0, five, points, Pose(0, 0, roll), quality, None, None)


def placement(at: tuple[float, float], scale: float, degrees: float) -> FloatArray:
    """The matrix [2, 3] that puts the middle of a 112 px crop's face ``at`` x, y, ``scale`` times as large and turned."""
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.hstack([turn, (np.array(at) - turn @ (56.0, 78.0))[:, None]]).astype(np.float32)


def draw(
    size: int = 200,
    skin: tuple[int, int, int] = (205, 155, 125),
    background: tuple[int, int, int] = (60, 90, 70),
    lips: tuple[int, int, int] = (160, 60, 70),
    scale: float = 1.1,
    degrees: float = 0.0,
    squeeze: float = 0.0,
    at: tuple[float, float] = (0.5, 0.5),
    seed: int = 1,
) -> Portrait:
    """A face of ``112 * scale`` px in a square picture, ``at`` a place in 0..1, turned by ``degrees`` in the picture.

    ``squeeze`` narrows one half of the face (> 0 the right one), as a head does that turns.
    """
    rng = np.random.default_rng(seed)
    matrix = placement((at[0] * size, at[1] * size), scale, degrees)

    def place(points: FloatArray) -> FloatArray:
        bent = points.astype(np.float32).copy()
        right = (bent[:, 0] > 56) == (squeeze > 0)
        bent[right, 0] = 56 + (bent[right, 0] - 56) * (1 - abs(squeeze))
        return transform_points(bent, matrix)

    points, five = place(MEAN_SHAPE), place(ARCFACE_TEMPLATE)
    pixels = np.empty((size, size, 3), np.uint8)
    pixels[:] = background
    for outline, colour in (
        (with_forehead(points), skin),
        (points[LEFT_BROW], (50, 35, 30)),
        (points[RIGHT_BROW], (50, 35, 30)),
        (points[LEFT_EYE], (240, 240, 240)),
        (points[RIGHT_EYE], (240, 240, 240)),
        (points[LIPS], lips),
    ):
        cv2.fillConvexPoly(pixels, cv2.convexHull(np.round(outline).astype(np.int32)), colour, cv2.LINE_AA)
    for eye in (LEFT_EYE, RIGHT_EYE):
        centre = points[eye].mean(axis=0)
        cv2.circle(
            pixels, (round(float(centre[0])), round(float(centre[1]))), max(round(2.2 * scale), 1), (40, 60, 90), -1
        )
    grain = rng.normal(0, 2.5, pixels.shape)
    pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    return Portrait(pixels, face_of(points, five, pixels.shape))
