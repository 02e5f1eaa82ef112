"""Pictures of noise with a face somewhere in them: whatever survives in them shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from deployments.anonymize.engine import AnonymizeEngine, AnonymizeQuery, Method
from deployments.faces.alignment import ARCFACE_TEMPLATE, transform_points
from deployments.faces.landmarks import MEAN_SHAPE
from deployments.faces.types import Face
from deployments.imaging import Photo, Pixels, encode
from tests.portraits import face_of, placement


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
    matrix = placement(at, scale, degrees)
    points, five = (transform_points(template, matrix) for template in (MEAN_SHAPE, ARCFACE_TEMPLATE))
    return face_of(points, five, (size, size), degrees)


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
