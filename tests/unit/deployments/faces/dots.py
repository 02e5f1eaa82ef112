"""A detector for which red dots are faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from deployments.faces.backend import Detection
from deployments.imaging import Pixels

RED = (255, 0, 0)


# Eyes, nose and mouth around a dot, as a face that stands has them; half a turn of that is one that hangs.
STANDING = np.float32([[-1, -1], [1, -1], [0, 0], [-1, 1], [1, 1]])


class RedDotDetector:
    """Finds red pixels: with a high score in the upper half of a picture, with a low one in the lower half.

    To those it gives points as if they stood.
    """

    max_side = 1000
    sure = 0.75

    def __init__(self) -> None:
        self.looks = 0
        self.runs: list[int] = []
        self.second_looks = 0
        self.finds_on_second_look: list[Detection] = []

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        self.looks += len(pictures)
        self.runs.append(len(pictures))
        return [self._dots(picture) for picture in pictures]

    def look_again(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        self.second_looks += len(pictures)
        return [list(self.finds_on_second_look) for _ in pictures]

    def _dots(self, picture: Pixels) -> list[Detection]:
        found = []
        for y, x in np.argwhere((picture == RED).all(axis=2)).tolist():
            score = 0.9 if y < picture.shape[0] / 2 else 0.3
            found.append(Detection((x, y, x + 2, y + 1), score, STANDING + (x, y), np.float32([[x, y]] * 68)))
        return found


def picture_with(*dots: tuple[int, int]) -> Pixels:
    picture = np.zeros((40, 60, 3), np.uint8)
    for x, y in dots:
        picture[y, x] = RED
    return picture


def large(face: Detection) -> Detection:
    """The face in a box 4 px larger on every side."""
    return replace(face, box=tuple(np.add(face.box, (-4, -4, 4, 4)).tolist()))
