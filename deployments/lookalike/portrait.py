"""A square picture of one face with some room around it."""

from __future__ import annotations

from typing import Final

import numpy as np

from deployments.faces.types import Box
from deployments.imaging import Photo, Pixels, resized

# The square's side in face boxes, and how much of that lies above the middle of the box: room for hair.
_ROOM: Final = 1.9
_UPWARDS: Final = 0.06


def portrait(photo: Photo, box: Box, side: int) -> Pixels:
    """The face in ``box`` (pixels of ``photo``) as [side, side, 3].

    The square shrinks and moves where the picture ends, so that nothing has to be made up.
    """
    x0, y0, x1, y1 = box
    reach = min(max(x1 - x0, y1 - y0) * _ROOM, photo.width, photo.height)
    left = np.clip((x0 + x1 - reach) / 2, 0, photo.width - reach)
    top = np.clip((y0 + y1 - reach) / 2 - reach * _UPWARDS, 0, photo.height - reach)
    # A little more than needed, so that the last step reduces and does not blur.
    scale = min(1.0, 1.5 * side / reach)
    pixels = photo.pixels(max(1, round(max(photo.width, photo.height) * scale)))
    ratio = pixels.shape[1] / photo.width
    column, row = round(left * ratio), round(top * ratio)
    length = max(1, min(round(reach * ratio), pixels.shape[1] - column, pixels.shape[0] - row))
    return resized(pixels[row : row + length, column : column + length], side, side)
