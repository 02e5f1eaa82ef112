"""A square picture of one face with some room around it, upright."""

from __future__ import annotations

from typing import Final

import numpy as np

from deployments.faces.types import Box
from deployments.imaging import Photo, Pixels, resized

# The square's side in face boxes, and how much of that lies above the middle of the box: room for hair.
_ROOM: Final = 1.9
_UPWARDS: Final = 0.06


def portrait(photo: Photo, box: Box, roll: float, side: int) -> Pixels:
    """The face in ``box`` (pixels of ``photo``), turned by ``roll`` (as in :class:`Pose`), as [side, side, 3].

    The square shrinks and moves where the picture ends, so that nothing has to be made up. Whoever lies, or stands on the
    head, is turned by as many right angles as bring the head nearest to upright.
    """
    x0, y0, x1, y1 = box
    quarters = round(roll / 90)
    turn = quarters * np.pi / 2
    reach = min(max(x1 - x0, y1 - y0) * _ROOM, photo.width, photo.height)
    room = reach * _UPWARDS
    left = np.clip((x0 + x1 - reach) / 2 + room * np.sin(turn), 0, photo.width - reach)
    top = np.clip((y0 + y1 - reach) / 2 - room * np.cos(turn), 0, photo.height - reach)
    # A little more than needed, so that the last step reduces and does not blur.
    scale = min(1.0, 1.5 * side / reach)
    pixels = photo.pixels(max(1, round(max(photo.width, photo.height) * scale)))
    ratio = pixels.shape[1] / photo.width
    column, row = round(left * ratio), round(top * ratio)
    length = max(1, min(round(reach * ratio), pixels.shape[1] - column, pixels.shape[0] - row))
    square = np.rot90(pixels[row : row + length, column : column + length], quarters)
    return resized(np.ascontiguousarray(square), side, side)
