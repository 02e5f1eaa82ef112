"""Laying new faces into a picture: inside the face's box only, under a feathered mask."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from deployments.faces.alignment import invert, transform_points
from deployments.faces.types import FloatArray
from deployments.imaging import Pixels
from deployments.swap.masks import Mask


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of a picture: ``x``, ``y`` its upper left corner, all in whole pixels inside the picture."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def around(cls, points: FloatArray, margin: float, shape: tuple[int, ...]) -> Region:
        """The smallest region that holds ``points`` [N, 2] with a ``margin`` in px, cut to a picture of ``shape``.

        Points far outside leave an empty region (width or height 0).
        """
        low = np.floor(points.min(axis=0) - margin).astype(int)
        high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
        x0, y0 = (int(np.clip(value, 0, limit)) for value, limit in zip(low, (shape[1], shape[0]), strict=True))
        x1, y1 = (int(np.clip(value, 0, limit)) for value, limit in zip(high, (shape[1], shape[0]), strict=True))
        return cls(x0, y0, max(x1 - x0, 0), max(y1 - y0, 0))

    @property
    def origin(self) -> FloatArray:
        return np.array([self.x, self.y], dtype=np.float32)

    def of(self, pixels: Pixels) -> Pixels:
        """The region of a picture, as a view."""
        return pixels[self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True, slots=True)
class Patch:
    """New pixels for a region. ``pixels`` [H, W, 3] are RGB 0..255, ``alpha`` [H, W] is how much of them shows."""

    region: Region
    pixels: FloatArray = field(repr=False)
    alpha: Mask = field(repr=False)

    def onto(self, picture: Pixels) -> None:
        """Blend into ``picture``, in place. Outside the region, and where alpha is 0, not a bit changes."""
        there = self.region.of(picture)
        alpha = self.alpha[..., None]
        blended = there + alpha * (self.pixels - there)
        there[...] = np.clip(np.rint(blended), 0, 255).astype(np.uint8)


def from_crop(crop: Pixels | FloatArray, matrix: FloatArray, mask: Mask, shape: tuple[int, ...]) -> Patch:
    """Bring an aligned crop back to where ``matrix`` [2, 3] (picture to crop) took it from.

    The crop is square, ``mask`` has its size. ``shape`` is that of the picture. Only the crop's own box is computed.

    A crop much larger than its place is averaged down first, because bilinear sampling alone skips pixels and turns fine
    texture into noise.
    """
    size = len(crop)
    smaller = size // max(round(float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))), 1)
    if 0 < smaller < size:
        crop, mask = (
            np.asarray(cv2.resize(values, (smaller, smaller), interpolation=cv2.INTER_AREA), dtype=np.float32)
            for values in (crop, mask)
        )
        matrix = matrix * np.float32(smaller / size)
        matrix[:, 2] += (smaller / size - 1) / 2  # whole numbers are the centres of pixels, of fewer now
        size = smaller
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], dtype=np.float32) - 0.5
    back = invert(matrix)
    region = Region.around(transform_points(corners, back), 1, shape)
    if not (region.width and region.height):
        empty = np.zeros((region.height, region.width), dtype=np.float32)
        return Patch(region, np.repeat(empty[..., None], 3, axis=-1), empty)
    local = back.copy()
    local[:, 2] -= region.origin
    extent = (region.width, region.height)
    pixels = cv2.warpAffine(crop, local, extent, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(mask, local, extent, flags=cv2.INTER_LINEAR, borderValue=0.0)
    return Patch(region, pixels.astype(np.float32), np.asarray(alpha, dtype=np.float32))
