"""Photos with a number on every face, so that people can say which one they mean."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from deployments.faces.types import Face
from deployments.imaging import Photo, encode

SIDE = 1280
INK = (255, 255, 255)
BADGE = (214, 64, 48)


def numbered(photo: Photo, faces: Sequence[Face]) -> bytes:
    """The photo (JPEG, longest side 1280) with faces framed and numbered from 1, left to right."""
    pixels = np.array(photo.pixels(SIDE))
    scale = pixels.shape[1] / photo.width
    stroke = max(2, round(max(pixels.shape[:2]) / 400))
    for number, face in enumerate(faces, start=1):
        left, top, right, bottom = (round(float(edge) * scale) for edge in face.box)
        cv2.rectangle(pixels, (left, top), (right, bottom), BADGE, stroke, cv2.LINE_AA)
        radius = max(16, min(40, (right - left) // 4))
        centre = (min(max(left, radius), pixels.shape[1] - radius), min(max(top, radius), pixels.shape[0] - radius))
        cv2.circle(pixels, centre, radius, BADGE, cv2.FILLED, cv2.LINE_AA)
        _write(pixels, str(number), centre, radius)
    return encode(pixels)


def _write(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], text: str, centre: tuple[int, int], radius: int
) -> None:
    """Text in the middle of a badge."""
    font, size = cv2.FONT_HERSHEY_SIMPLEX, radius / 20
    thickness = max(1, radius // 8)
    (width, height), _ = cv2.getTextSize(text, font, size, thickness)
    origin = (centre[0] - width // 2, centre[1] + height // 2)
    cv2.putText(pixels, text, origin, font, size, INK, thickness, cv2.LINE_AA)
