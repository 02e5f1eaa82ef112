"""The photo with its faces framed and numbered, so that a person can say which goes where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deployments.faces.boxes import shared, shorter_side
from deployments.faces.types import Box, Face
from deployments.imaging import Photo, Pixels

_SIDE: Final = 1280
_ACCENT: Final = (94, 44, 140)
_LIGHT: Final = (255, 255, 255)
_DARK: Final = (20, 12, 28)

# Marks are drawn larger and averaged down: Pillow's shapes have jagged edges.
_OVERSAMPLING: Final = 4


def numbered(photo: Photo, faces: Sequence[Face], first: int = 0) -> Pixels:
    """``photo``, its longest side at most 1280, every face in a frame with its place in ``faces``, counted from ``first``.

    Numbers stand in a disc with a light and a dark rim, so they can be read on any background, and do not cover each
    other while a face has a corner left for them.
    """
    pixels = photo.pixels(_SIDE)
    height, width = pixels.shape[:2]
    scale = width / photo.width
    picture = Image.fromarray(pixels)
    boxes: list[Box] = [_scaled(face.box, scale) for face in faces]
    for box in boxes:
        _frame(picture, box)
    placed: list[Box] = []
    for number, box in enumerate(boxes, start=first):
        disc = _place(box, placed, width, height)
        placed.append(disc)
        _badge(picture, disc, str(number))
    return np.array(picture)


def _scaled(box: Box, scale: float) -> Box:
    x0, y0, x1, y1 = box
    return x0 * scale, y0 * scale, x1 * scale, y1 * scale


def _stroke(picture: Image.Image) -> float:
    return max(picture.width, picture.height) / 600 + 0.8


def _frame(picture: Image.Image, box: Box) -> None:
    stroke = _stroke(picture)
    left, top = int(box[0] - 2 * stroke), int(box[1] - 2 * stroke)
    size = (int(box[2] + 2 * stroke) - left + 1, int(box[3] + 2 * stroke) - top + 1)
    mark = Image.new("RGBA", (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING))
    draw = ImageDraw.Draw(mark)
    inner = [(value - origin) * _OVERSAMPLING for value, origin in zip(box, (left, top, left, top), strict=True)]
    radius = shorter_side(box) * 0.12 * _OVERSAMPLING
    for colour, weight in (((*_DARK, 150), 2.0), ((*_LIGHT, 255), 1.0)):
        thickness = round(weight * stroke * _OVERSAMPLING)
        spread = thickness / 2
        around = (inner[0] - spread, inner[1] - spread, inner[2] + spread, inner[3] + spread)
        draw.rounded_rectangle(around, radius + spread, outline=colour, width=thickness)
    _lay(picture, mark, size, (left, top))


def _place(box: Box, placed: Sequence[Box], width: int, height: int) -> Box:
    """A square for the number at the first corner of the face's box where it covers no other number."""
    side = float(np.clip(0.36 * shorter_side(box), max(width, height) / 45 + 8, max(width, height) / 14))
    choices = []
    for x, y in ((box[0], box[1]), (box[2], box[1]), (box[0], box[3]), (box[2], box[3])):
        left = float(np.clip(x - side / 2, 0, max(width - side, 0)))
        top = float(np.clip(y - side / 2, 0, max(height - side, 0)))
        choices.append((left, top, left + side, top + side))
    return next((choice for choice in choices if not any(shared(choice, other) for other in placed)), choices[0])


def _badge(picture: Image.Image, disc: Box, text: str) -> None:
    left, top = int(disc[0]), int(disc[1])
    side = max(round(disc[2] - disc[0]), 8)
    large = side * _OVERSAMPLING
    mark = Image.new("RGBA", (large, large))
    draw = ImageDraw.Draw(mark)
    for colour, inset in (((*_DARK, 170), 0.0), ((*_LIGHT, 255), 0.04), ((*_ACCENT, 255), 0.12)):
        edge = inset * large
        draw.ellipse((edge, edge, large - 1 - edge, large - 1 - edge), fill=colour)
    font = ImageFont.load_default(size=large * (0.58 if len(text) == 1 else 0.46))
    draw.text(
        (large / 2, large / 2), text, font=font, fill=_LIGHT, anchor="mm", stroke_width=large / 90, stroke_fill=_LIGHT
    )
    _lay(picture, mark, (side, side), (left, top))


def _lay(picture: Image.Image, mark: Image.Image, size: tuple[int, int], at: tuple[int, int]) -> None:
    small = mark.resize(size, Image.Resampling.BOX)
    picture.paste(small, at, small)
