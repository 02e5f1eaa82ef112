from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from deployments.faces.backend import Detection
from deployments.faces.search import find_faces, turn_back
from deployments.imaging import Pixels

RED = (255, 0, 0)


class RedDotDetector:
    """Finds red pixels: with a high score in the upper half of a picture, with a low one in the lower half."""

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
            points = np.float32([[x, y]] * 5)
            score = 0.9 if y < picture.shape[0] / 2 else 0.3
            found.append(Detection((x, y, x + 2, y + 1), score, points, np.float32([[x, y]] * 68)))
        return found


class UprightDetector(RedDotDetector):
    """Sees nothing in the lower half of a picture, and a face around each dot in the upper one."""

    def _dots(self, picture: Pixels) -> list[Detection]:
        upper = [face for face in super()._dots(picture) if face.score >= self.sure]
        return [replace(face, box=tuple(np.add(face.box, (-4, -4, 4, 4)).tolist())) for face in upper]


@pytest.fixture
def detector() -> RedDotDetector:
    return RedDotDetector()


def picture_with(*dots: tuple[int, int]) -> Pixels:
    picture = np.zeros((40, 60, 3), np.uint8)
    for x, y in dots:
        picture[y, x] = RED
    return picture


def test_a_sure_face_is_taken_without_turning_anything(detector: RedDotDetector) -> None:
    found = find_faces(detector, [picture_with((7, 5))])
    assert found[0].faces[0].landmarks[0].tolist() == [7, 5]
    assert (detector.looks, detector.second_looks) == (1, 0)


def test_sides_are_looked_at_together(detector: RedDotDetector) -> None:
    sure, doubtful = picture_with((7, 5)), picture_with((7, 35))
    find_faces(detector, [sure, doubtful, doubtful])
    assert detector.runs == [3, 6]
    detector.runs.clear()
    find_faces(detector, [sure, doubtful], every={0, 1})
    assert detector.runs == [8]


def test_a_photo_that_stands_on_its_head_is_seen_the_right_way_up(detector: RedDotDetector) -> None:
    upside_down = picture_with((7, 35), (40, 38))
    found = find_faces(detector, [upside_down])[0].faces
    assert sorted(face.landmarks[0].tolist() for face in found) == [[7, 35], [40, 38]]
    assert {face.score for face in found} == {0.9}
    assert [face.dense[0].tolist() for face in found] == [face.landmarks[0].tolist() for face in found]


def test_a_doubtful_face_stays_when_no_side_shows_a_sure_one(detector: RedDotDetector) -> None:
    detector.sure = 0.95
    found = find_faces(detector, [picture_with((7, 35))])[0].faces
    assert [face.score for face in found] == [0.3]


def test_only_doubtful_photos_are_turned(detector: RedDotDetector) -> None:
    found = find_faces(detector, [picture_with((7, 5)), picture_with(), picture_with((9, 6))])
    assert [len(finding.faces) for finding in found] == [1, 0, 1]
    assert detector.looks == 3 + 3


def test_a_photo_without_any_face_gets_a_second_look(detector: RedDotDetector) -> None:
    late = Detection((1, 2, 3, 4), 0.5, np.zeros((5, 2), np.float32))
    detector.finds_on_second_look = [late]
    assert find_faces(detector, [picture_with((7, 5)), picture_with()])[1].faces == [late]
    assert detector.second_looks == 1


def test_whoever_hangs_beside_people_who_stand_is_found_once_where_every_face_is_asked_for() -> None:
    standing, hanging = (7, 5), (40, 35)
    some, every = find_faces(UprightDetector(), [picture_with(standing, hanging)] * 2, every={1})
    assert [face.landmarks[0].tolist() for face in some.faces] == [[*standing]]
    assert some.beside == []
    assert [face.landmarks[0].tolist() for face in every.faces] == [[*standing]]
    # From the right and from below it is upright, and so is who stands from the left.
    assert [face.landmarks[0].tolist() for face in every.beside] == [[*hanging]]


def test_no_photos_no_faces(detector: RedDotDetector) -> None:
    assert find_faces(detector, []) == []


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_points_and_boxes_are_turned_back_exactly(turns: int, detector: RedDotDetector) -> None:
    picture = picture_with((7, 5))
    seen = detector.detect([np.ascontiguousarray(np.rot90(picture, turns))])[0][0]
    found = turn_back(seen, turns, 60, 40)
    assert found.landmarks.tolist() == [[7, 5]] * 5
    x0, y0, x1, y1 = found.box
    assert x0 < x1
    assert y0 < y1
    assert {x1 - x0, y1 - y0} == {1, 2}
    # The pixel reaches from 7 to 8 and from 5 to 6.
    assert x0 <= 7 < 8 <= x1
    assert y0 <= 5 < 6 <= y1
