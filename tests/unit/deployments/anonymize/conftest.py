"""Pictures of noise with a face somewhere in them: whatever survives in them shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from deployments.anonymize.engine import AnonymizeEngine, AnonymizeQuery, Method
from deployments.faces.alignment import ARCFACE_TEMPLATE, transform_points
from deployments.faces.types import Face, Pose, Quality
from deployments.imaging import Photo, Pixels, encode
from deployments.swap.landmarks import MEAN_SHAPE


@dataclass(frozen=True)
class Scene:
    pixels: Pixels
    faces: tuple[Face, ...]

    @property
    def photo(self) -> Photo:
        return Photo.open(encode(self.pixels, "image/png"))

    def hidden(self, method: Method, keep: tuple[int, ...] = ()) -> Pixels:
        (result,) = AnonymizeEngine().run([AnonymizeQuery(self.photo, self.faces, method, keep)])
        return result


def face_at(at: tuple[float, float], scale: float, degrees: float, size: int) -> Face:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.hstack([turn, (np.array(at) - turn @ (56.0, 78.0))[:, None]]).astype(np.float32)
    points = transform_points(MEAN_SHAPE, matrix)
    (x0, y0), (x1, y1) = np.clip(points.min(axis=0), 0, size), np.clip(points.max(axis=0), 0, size)
    box = (float(x0), float(y0), float(x1), float(y1))
    quality = Quality(min(box[2] - box[0], box[3] - box[1]), 0.0, 1.0)
    five = transform_points(ARCFACE_TEMPLATE, matrix)
    return Face(box, 1.0, five, points, Pose(0, 0, degrees), quality, None, None)


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    """``scene((x, y), ..., size=300, scale=1.0, degrees=0, seed=0)``: coloured noise with a face at each place."""

    def make(
        *places: tuple[float, float], size: int = 300, scale: float = 1.0, degrees: float = 0.0, seed: int = 0
    ) -> Scene:
        noise = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
        pixels = cv2.GaussianBlur(noise, (0, 0), 0.8)
        return Scene(pixels, tuple(face_at(place, scale, degrees, size) for place in places))

    return make
