"""The detector over histograms of oriented gradients, for several pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import dlib

from deployments.faces.dlib.boxes import box_of
from deployments.faces.types import Box
from deployments.imaging import Pixels
from deployments.lending import Lending


class Hog:
    """Upright faces from about 80 px on. A picture keeps one thread busy; those of a batch take turns on ``threads``."""

    def __init__(self, threads: int) -> None:
        # A detector keeps the gradients of the picture it is looking at.
        self._detectors = Lending([dlib.get_frontal_face_detector() for _ in range(threads)])
        self._threads = ThreadPoolExecutor(threads, "hog")

    def __call__(self, pictures: Sequence[Pixels], threshold: float) -> list[list[tuple[Box, float]]]:
        """The faces of each picture whose margins are at least ``threshold``, and the margins."""
        return list(self._threads.map(lambda picture: self._scan(picture, threshold), pictures))

    def _scan(self, picture: Pixels, threshold: float) -> list[tuple[Box, float]]:
        with self._detectors.one() as detector:
            rectangles, margins, _ = detector.run(picture, 0, threshold)
        return [(box_of(found), margin) for found, margin in zip(rectangles, margins, strict=True)]
