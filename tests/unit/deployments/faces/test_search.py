from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from deployments.faces.backend import Detection
from deployments.faces.search import find_faces, turn_back
from deployments.faces.types import Box
from deployments.imaging import Pixels

from .dots import STANDING, RedDotDetector, large, picture_with


class UprightDetector(RedDotDetector):
    """Sees nothing in the lower half of a picture, and a face around each dot in the upper one."""

    def _dots(self, picture: Pixels) -> list[Detection]:
        return [large(face) for face in super()._dots(picture) if face.score >= self.sure]


class TurningDetector(RedDotDetector):
    """Sees a face around each dot, and that those in the lower half hang: with a score of ``hanging``."""

    hanging = 0.8

    def _dots(self, picture: Pixels) -> list[Detection]:
        return [large(face if face.score >= self.sure else self._hung(face)) for face in super()._dots(picture)]

    def _hung(self, face: Detection) -> Detection:
        return replace(face, score=self.hanging, landmarks=2 * face.landmarks[2] - face.landmarks)


@pytest.fixture
def detector() -> RedDotDetector:
    return RedDotDetector()


def test_a_sure_face_is_taken_without_turning_anything(detector: RedDotDetector) -> None:
    found = find_faces(detector, [picture_with((7, 5))])
    assert found[0].faces[0].landmarks[2].tolist() == [7, 5]
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
    assert sorted(face.landmarks[2].tolist() for face in found) == [[7, 35], [40, 38]]
    assert {face.score for face in found} == {0.9}
    assert [face.dense[0].tolist() for face in found] == [face.landmarks[2].tolist() for face in found]


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
    assert [face.landmarks[2].tolist() for face in some.faces] == [[*standing]]
    assert some.beside == []
    assert [face.landmarks[2].tolist() for face in every.faces] == [[*standing]]
    # From the right and from below it is upright, and so is who stands from the left.
    assert [face.landmarks[2].tolist() for face in every.beside] == [[*hanging]]


@pytest.mark.parametrize("every", [(), (0,)])
def test_a_face_that_hangs_beside_others_is_taken_from_the_side_on_which_it_stands(every: tuple[int, ...]) -> None:
    standing, hanging = (7, 5), (40, 35)
    detector = TurningDetector()
    (found,) = find_faces(detector, [picture_with(standing, hanging)], every)
    assert sorted((face.landmarks[2].tolist(), face.score) for face in found.faces) == [
        ([*standing], 0.9),
        ([*hanging], 0.9),
    ]
    assert found.beside == []
    assert (detector.looks, detector.second_looks) == (4, len(every))


def test_a_face_that_hangs_and_stands_nowhere_stays_as_it_is() -> None:
    class OnceStanding(TurningDetector):
        def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
            first = self.looks == 0
            return [faces if first else [] for faces in super().detect(pictures)]

    found = find_faces(OnceStanding(), [picture_with((7, 5), (40, 35))])[0].faces
    assert sorted(face.score for face in found) == [0.8, 0.9]


def test_however_high_its_score_a_face_that_hangs_does_not_make_a_side_the_right_one() -> None:
    detector = TurningDetector()
    detector.hanging = 0.99
    (found,) = find_faces(detector, [picture_with((40, 35))])
    assert [face.score for face in found.faces] == [0.9], "as it is seen where it stands"


def test_where_every_face_is_asked_for_small_ones_beside_large_ones_are_too(detector: RedDotDetector) -> None:
    small = Detection((30, 20, 32, 22), 0.5, STANDING + (31, 21))
    detector.finds_on_second_look = [small]
    picture = picture_with((7, 5))
    some, every = find_faces(detector, [picture, picture], every={1})
    assert len(some.faces) == len(every.faces) == 1
    assert some.beside == []
    assert every.beside == [small]
    detector.finds_on_second_look = list(every.faces)
    assert find_faces(detector, [picture], every={0})[0].beside == [], "the same face is not counted twice"


class CloseUpDetector(RedDotDetector):
    """Takes the square of 2 ``reach`` px around each dot for a face, unless it looks again."""

    reach = 13

    def _dots(self, picture: Pixels) -> list[Detection]:
        return [replace(face, box=self._around(*face.landmarks[2].tolist())) for face in super()._dots(picture)]

    def _around(self, x: float, y: float) -> Box:
        return (x + 0.5 - self.reach, y + 0.5 - self.reach, x + 0.5 + self.reach, y + 0.5 + self.reach)


@pytest.mark.parametrize("every", [(), (0,)])
@pytest.mark.parametrize("halves", [[(20, 16)], [(20, 16), (34, 22)]])
def test_what_is_half_a_face_that_fills_the_frame_gives_way_to_the_whole(
    halves: list[tuple[int, int]], every: tuple[int, ...]
) -> None:
    detector = CloseUpDetector()
    whole = Detection((4, -3, 52, 43), 0.6, STANDING + 28)
    detector.finds_on_second_look = [whole]
    (found,) = find_faces(detector, [picture_with(*halves)], every)
    assert found == ([whole], []), "however sure the detector was of the half"
    assert detector.second_looks == 1


@pytest.mark.parametrize("every", [(), (0,)])
def test_a_large_face_that_was_seen_as_a_whole_stays_as_it_was_seen_first(every: tuple[int, ...]) -> None:
    detector = CloseUpDetector()
    detector.finds_on_second_look = [Detection((6, 2, 35, 31), 0.95, STANDING + 20)]
    (found,) = find_faces(detector, [picture_with((20, 16))], every)
    assert ([face.box for face in found.faces], found.beside) == ([detector._around(20, 16)], [])


@pytest.mark.parametrize("every", [(), (0,)])
def test_a_small_face_is_no_half_of_a_large_one(every: tuple[int, ...]) -> None:
    detector = CloseUpDetector()
    detector.reach = 5
    detector.finds_on_second_look = [Detection((4, -3, 52, 43), 0.95, STANDING + 28)]
    (found,) = find_faces(detector, [picture_with((20, 16))], every)
    assert ([face.box for face in found.faces], found.beside) == ([detector._around(20, 16)], [])


def test_no_photos_no_faces(detector: RedDotDetector) -> None:
    assert find_faces(detector, []) == []


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_points_and_boxes_are_turned_back_exactly(turns: int, detector: RedDotDetector) -> None:
    picture = picture_with((7, 5))
    seen = detector.detect([np.ascontiguousarray(np.rot90(picture, turns))])[0][0]
    found = turn_back(seen, turns, 60, 40)
    assert found.landmarks[2].tolist() == [7, 5]
    assert found.dense.tolist() == [[7, 5]] * 68
    x0, y0, x1, y1 = found.box
    assert x0 < x1
    assert y0 < y1
    assert {x1 - x0, y1 - y0} == {1, 2}
    # The pixel reaches from 7 to 8 and from 5 to 6.
    assert x0 <= 7 < 8 <= x1
    assert y0 <= 5 < 6 <= y1
