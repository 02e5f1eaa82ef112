"""Patches: new pixels laid into a part of a picture, under a mask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from deployments.compositing.masks import Mask
from deployments.imaging import FloatArray, Pixels

# Pixels of a strip: few enough that all of its numbers stay in a processor's cache.
_STRIP: Final = 2**16

_Sample = TypeVar("_Sample", bound=np.generic)


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

    def of(self, pixels: npt.NDArray[_Sample]) -> npt.NDArray[_Sample]:
        """The region of a picture, as a view."""
        return pixels[self.y : self.y + self.height, self.x : self.x + self.width]

    def strips(self) -> Iterator[Region]:
        """The region from top to bottom, a few whole rows at a time; none of an empty one."""
        rows = max(_STRIP // max(self.width, 1), 1)
        for top in range(0, self.height if self.width else 0, rows):
            yield Region(self.x, self.y + top, self.width, min(rows, self.height - top))


Paint = Callable[[Region], tuple[Pixels | FloatArray, Mask]]
"""For any part of a region: its new pixels [H, W, 3], RGB 0..255, and how much of them shows [H, W]."""


@dataclass(frozen=True, slots=True)
class Patch:
    """New pixels for a region, painted only while they are laid in: a face may fill the largest photo."""

    region: Region
    paint: Paint = field(repr=False)

    @classmethod
    def covering(cls, region: Region, pixels: Pixels | FloatArray, alpha: Mask) -> Patch:
        """A patch whose pixels and alpha are those given, of any size each, enlarged to the region's."""
        own, mask = spread(pixels, region), spread(alpha, region)
        return cls(region, lambda part: (laid(pixels, own, part), laid(alpha, mask, part)))

    def onto(self, picture: Pixels) -> None:
        """Blend into ``picture``, in place. Outside the region, and where alpha is 0, not a bit changes."""
        for strip in self.region.strips():
            pixels, alpha = self.paint(strip)
            there = strip.of(picture)
            blended = there.astype(np.float32)
            blended += alpha[..., None] * (pixels - blended)
            there[...] = np.clip(np.rint(blended, out=blended), 0, 255, out=blended)


def laid(
    values: Pixels | FloatArray,
    matrix: npt.NDArray[np.floating],
    part: Region,
    *,
    interpolation: int = cv2.INTER_LINEAR,
    border: int = cv2.BORDER_REPLICATE,
) -> FloatArray:
    """What comes to lie on ``part`` of a picture when ``matrix`` [2, 3] brings ``values`` [h, w] or [h, w, 3] there."""
    local = matrix.astype(np.float64)
    local[:, 2] -= part.origin
    found = cv2.warpAffine(values, local, (part.width, part.height), flags=interpolation, borderMode=border)
    return np.asarray(found, dtype=np.float32)


def spread(values: Pixels | FloatArray, region: Region) -> npt.NDArray[np.float64]:
    """The matrix that spreads ``values`` over a region."""
    scale = np.array([region.width / values.shape[1], region.height / values.shape[0]])
    # Whole numbers are the centres of pixels, there as here.
    return np.column_stack([np.diag(scale), region.origin + (scale - 1) / 2])
