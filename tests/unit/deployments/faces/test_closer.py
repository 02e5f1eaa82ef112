from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from deployments.faces.backend import Backend, Detection
from deployments.faces.boxes import rescale
from deployments.faces.closer import look_closer
from deployments.faces.engine import FaceEngine
from deployments.faces.search import Finding, find_faces
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, Pixels

from .dots import RED, STANDING, RedDotDetector, picture_with


@pytest.fixture
def detector() -> RedDotDetector:
    return RedDotDetector()


def test_a_larger_version_is_looked_at_in_pieces_that_overlap_and_cover_it() -> None:
    class Wallflower(RedDotDetector):
        max_side = 40
        shapes: list[tuple[int, ...]] = []

        def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
            self.shapes = [picture.shape[:2] for picture in pictures]
            return super().detect(pictures)

    detector = Wallflower()
    closer = np.zeros((80, 120, 3), np.uint8)
    dots = [(3, 2), (116, 77), (39, 41), (60, 38)]
    for x, y in dots:
        closer[y, x] = RED
    found = look_closer(detector, Finding([], []), np.zeros((40, 60, 3), np.uint8), closer)
    assert found.faces == []
    # In pixels of the smaller version, whose pixels are two of the larger one wide: 0.5 there lies between 0 and 1 here.
    assert sorted(face.landmarks[2].tolist() for face in found.beside) == sorted(
        [(x + 0.5) / 2 - 0.5, (y + 0.5) / 2 - 0.5] for x, y in dots
    )
    assert detector.shapes == [(40, 40)] * 12


def test_closer_nobody_is_found_twice_and_who_was_found_before_keeps_the_place(detector: RedDotDetector) -> None:
    detector.max_side = 60
    picture = picture_with((7, 5))
    closer = np.repeat(np.repeat(picture, 2, axis=0), 2, axis=1)
    closer[60, 100] = RED
    before = find_faces(detector, [picture], every={0})[0]
    after = look_closer(detector, before, picture, closer)
    assert after.faces == before.faces
    assert [face.landmarks[2].tolist() for face in after.beside] == [[49.75, 29.75]]


def test_closer_a_face_seen_as_a_whole_has_better_points() -> None:
    box, points, better = (10, 10, 20, 20), STANDING + 15, STANDING * 2 + 15

    class Closer(RedDotDetector):
        max_side = 60
        seen: Detection

        def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
            return [[rescale(self.seen, 2, 2)], *([] for _ in pictures[1:])]

    detector = Closer()
    known = Finding([Detection(box, 0.6, points)], [Detection((40, 30, 50, 40), 0.5, STANDING + 45)])
    small, large = picture_with(), np.zeros((80, 120, 3), np.uint8)
    detector.seen = Detection((11, 10, 21, 19), 0.9, better)
    (face,), (other,) = look_closer(detector, known, small, large)
    np.testing.assert_allclose(face.landmarks, better, atol=1e-4)
    assert (face.box, face.score) == (box, 0.6), "by which it is numbered"
    assert other is known.beside[0]
    detector.seen = replace(detector.seen, box=(11, 10, 21, 14))
    assert look_closer(detector, known, small, large) == known, "the border of a piece cuts it in half"


@pytest.mark.parametrize(("times", "looks"), [(1, 4), (2, 4 + 6)])
def test_only_a_photo_larger_than_the_detector_looks_at_is_looked_at_closer(
    detector: RedDotDetector, photo_of: Callable[[Pixels], Photo], times: int, looks: int
) -> None:
    detector.max_side = 60
    photo = photo_of(np.repeat(np.repeat(picture_with((7, 5)), times, axis=0), times, axis=1))
    FaceEngine(Backend(detector)).run([FaceQuery(photo, embed=False, every=True)])
    assert detector.looks == looks


def test_points_of_a_face_that_hangs_are_not_taken_from_where_it_hangs() -> None:
    class Closer(RedDotDetector):
        max_side = 60

        def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
            return [[Detection((20, 20, 40, 40), 0.9, 30 + STANDING)], *([] for _ in pictures[1:])]

    hanging = Finding([Detection((10, 10, 20, 20), 0.6, 15 - STANDING)], [])
    assert look_closer(Closer(), hanging, picture_with(), np.zeros((80, 120, 3), np.uint8)) == hanging
