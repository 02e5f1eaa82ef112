"""The three ways of hiding a face.

What survives must not be enough to find the person again, not even for somebody who treats photos of candidates the
same way and compares them (R. McPherson et al., "Defeating image obfuscation with deep learning", 2016; the "parrot attack"
of E. Newton et al., TKDE 2005). So the coarseness is relative to the face, all detail is averaged away rather than
filtered, and only ``replace`` is independent of the face altogether.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from deployments.anonymize.disguise import draw
from deployments.anonymize.region import FaceEllipse
from deployments.anonymize.surroundings import Surroundings
from deployments.compositing.masks import Mask
from deployments.compositing.patches import Paint, Region, laid, spread
from deployments.compositing.tones import to_lab, to_rgb
from deployments.faces.types import Face
from deployments.imaging import FloatArray, Pixels

# Looks at the pixels of a region once, and paints it afterwards.
Painter = Callable[[Pixels, Face, FaceEllipse, Region], Paint]

_BLUR_CELLS: Final = 5
_PIXEL_CELLS: Final = 7


def blur(pixels: Pixels, face: Face, ellipse: FaceEllipse, region: Region) -> Paint:  # noqa: ARG001
    """A soft shade of the face's colours: averaged to 5 cells across, smoothed, and enlarged again."""
    cells = _cells(pixels, ellipse.size / _BLUR_CELLS)
    small = np.asarray(cv2.GaussianBlur(cells, (0, 0), 0.8), dtype=np.float32)
    matrix = spread(small, region)

    def paint(part: Region) -> tuple[FloatArray, Mask]:
        smooth = laid(small, matrix, part, interpolation=cv2.INTER_CUBIC)
        return np.clip(smooth, 0, 255, out=smooth), ellipse.mask(part)

    return paint


def pixelate(pixels: Pixels, face: Face, ellipse: FaceEllipse, region: Region) -> Paint:  # noqa: ARG001
    """Flat square cells, 7 across the face. A cell is painted whole when any of the face is in it."""
    side = max(round(ellipse.size / _PIXEL_CELLS), 2)
    cells = _squares(pixels, side)
    rows, columns = np.arange(region.height) // side, np.arange(region.width) // side
    hit = np.zeros(cells.shape[:2], dtype=np.float32)
    for strip in region.strips():
        inside = np.maximum.reduceat(ellipse.mask(strip) >= 1, np.arange(0, region.width, side), axis=1)
        np.maximum.at(hit, rows[strip.y - region.y :][: strip.height], inside)

    def paint(part: Region) -> tuple[Pixels, Mask]:
        there = np.ix_(rows[part.y - region.y :][: part.height], columns[part.x - region.x :][: part.width])
        return cells[there], hit[there]

    return paint


def replace(photo: Surroundings, pixels: Pixels, face: Face, ellipse: FaceEllipse, region: Region) -> Paint:
    """A carnival mask that covers the face, lit like its surroundings, no brighter than its photo and in that one's tone."""
    drawing, matrix = draw(ellipse, face.pose.yaw, _light(pixels, ellipse, region), photo.brightest)
    if photo.tone.colourfulness < 1:
        drawing = to_rgb(photo.tone.give(to_lab(np.clip(drawing, 0, 255))))

    def paint(part: Region) -> tuple[FloatArray, Mask]:
        painted = laid(drawing, matrix, part)
        return np.clip(painted, 0, 255, out=painted), ellipse.mask(part)

    return paint


def _cells(pixels: Pixels, side: float) -> FloatArray:
    """Averages over cells of about ``side`` px."""
    size = (max(round(pixels.shape[1] / side), 1), max(round(pixels.shape[0] / side), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _squares(pixels: Pixels, side: int) -> Pixels:
    """Averages over squares of ``side`` px, as if the last pixels went on where the picture ends inside of one."""
    height, width = pixels.shape[:2]
    columns = -(-width // side)
    averages = []
    for top in range(0, height, side):
        band = pixels[top : top + side]
        missing = (0, side - len(band), 0, columns * side - width)
        whole = cv2.copyMakeBorder(band, *missing, cv2.BORDER_REPLICATE)
        averages.append(cv2.resize(whole, (columns, 1), interpolation=cv2.INTER_AREA))
    return np.asarray(np.concatenate(averages), dtype=np.uint8)


def _light(pixels: Pixels, ellipse: FaceEllipse, region: Region) -> float:
    """How bright it is around the ellipse, 0..1; a half where the region shows nothing of that."""
    total, count = 0, 0
    for strip in region.strips():
        row = strip.y - region.y
        around = pixels[row : row + strip.height][ellipse.mask(strip) == 0]
        total, count = total + int(around.sum()), count + around.size
    return total / count / 255 if count else 0.5
