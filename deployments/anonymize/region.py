"""The part of a picture that has to disappear with a face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from deployments.compositing.masks import Mask, smoothstep
from deployments.compositing.patches import Region
from deployments.faces.boxes import shorter_side
from deployments.faces.landmarks import dense_points, upwards, with_forehead
from deployments.faces.types import Face
from deployments.imaging import FloatArray

# Beyond the points, as shares of the face's extent: ears and cheeks, the forehead up to the hairline, the chin.
_SIDES: Final = 0.14
_FOREHEAD: Final = 0.42
_CHIN: Final = 0.10
# Where the hidden face fades into the picture, outside the ellipse, as a share of its half axes.
_FEATHER: Final = 0.12
# No landmark may lie farther out than this share of the half axes.
_INSIDE: Final = 0.95


@dataclass(frozen=True, slots=True)
class FaceEllipse:
    """An ellipse around a whole face, from hairline to chin, turned with the head.

    ``across`` and ``up`` are unit vectors of the head, ``radii`` the half axes along them, all in pixels of the photo.
    """

    centre: FloatArray
    across: FloatArray
    up: FloatArray
    radii: FloatArray

    @classmethod
    def of(cls, face: Face) -> FaceEllipse:
        """The ellipse of a face: all its landmarks and forehead, and no smaller than the detector's box."""
        points = dense_points(face)
        up = upwards(points)
        across = np.array([-up[1], up[0]], dtype=np.float32)
        along, height = points @ across, points @ up
        wide, tall = float(np.ptp(along)), float(np.ptp(height))
        left, right = along.min() - _SIDES * wide, along.max() + _SIDES * wide
        bottom, top = height.min() - _CHIN * tall, height.max() + _FOREHEAD * tall
        centre = across * (left + right) / 2 + up * (bottom + top) / 2
        # Landmarks can be wrong; where they say that the face is smaller than its box, the box is believed.
        least = shorter_side(face.box) / 2
        radii = np.maximum([(right - left) / 2, (top - bottom) / 2], least)
        around = with_forehead(points) - centre
        farthest = float(np.hypot(around @ across / radii[0], around @ up / radii[1]).max())
        radii *= max(1.0, farthest / _INSIDE)
        return cls(np.asarray(centre, dtype=np.float32), across, up, radii.astype(np.float32))

    @property
    def size(self) -> float:
        """The shorter axis in pixels: what the coarseness of a method is measured in."""
        return 2 * float(self.radii.min())

    def region(self, shape: tuple[int, ...]) -> Region:
        """The rectangle of a picture of ``shape`` that holds the ellipse and its feathered border."""
        reach = np.sqrt(np.square(self.across * self.radii[0]) + np.square(self.up * self.radii[1])) * (1 + _FEATHER)
        corners = np.stack([self.centre - reach, self.centre + reach])
        return Region.around(np.asarray(corners, dtype=np.float32), 1, shape)

    def mask(self, region: Region, step: int = 1) -> Mask:
        """1 everywhere inside the ellipse, fading to 0 outside of it; [H, W] of every ``step``-th pixel of ``region``."""
        x = np.arange(region.x, region.x + region.width, step, dtype=np.float32) - self.centre[0]
        y = np.arange(region.y, region.y + region.height, step, dtype=np.float32)[:, None] - self.centre[1]
        across, up = (
            (x * axis[0] + y * axis[1]) / radius
            for axis, radius in zip((self.across, self.up), self.radii, strict=True)
        )
        distance = np.sqrt(across * across + up * up)
        return smoothstep(np.asarray((1 + _FEATHER - distance) / _FEATHER, dtype=np.float32))
