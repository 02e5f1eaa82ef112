from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from deployments.faces import centerface
from deployments.faces.backend import Detection
from deployments.faces.centerface import CenterFace, Maps, Network, open_network
from deployments.faces.dlib.backend import CENTERFACE
from deployments.imaging import Photo, Pixels
from deployments.runtime import Runtime
from registry.manifest import ModelVersion


class Told:
    """In the place of the network: tells of faces (row, column, heat) at cells of 4 px, each 60 px high."""

    def __init__(self, *faces: tuple[int, int, float], width: float = 40) -> None:
        self.faces = faces
        self.width = width
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, picture: Pixels) -> Maps:
        self.shapes.append(picture.shape)
        rows, columns = picture.shape[0] // 4, picture.shape[1] // 4
        maps = [np.zeros((channels, rows, columns), np.float32) for channels in (1, 2, 2, 10)]
        heat, sizes, offsets, points = maps
        for row, column, score in self.faces:
            heat[0, row, column] = score
            sizes[:, row, column] = np.log([60 / 4, self.width / 4])
            offsets[:, row, column] = 0.25, -0.25
            points[:, row, column] = [0.4, 0.25, 0.4, 0.75, 0.6, 0.5, 0.8, 0.3, 0.8, 0.7]
        return maps


@pytest.fixture(scope="module")
def network(dlib_version: ModelVersion) -> Network:
    return open_network(dlib_version.path(CENTERFACE), Runtime(threads=2))


@pytest.fixture(scope="module")
def people(group: Photo) -> Pixels:
    """Six people whose faces are some 100 px wide."""
    return group.pixels()


def test_boxes_and_points_are_told_in_pixels_of_the_picture() -> None:
    # A picture of 960 px is scanned as it is.
    (face,) = CenterFace(Told((50, 100, 0.9))).detect([np.zeros((640, 960, 3), np.uint8)])[0]
    x, y = (100 - 0.25 + 0.5) * 4, (50 + 0.25 + 0.5) * 4
    assert face.box == pytest.approx((x - 20, y - 30, x + 20, y + 30), abs=1e-3)
    assert face.score == pytest.approx(0.9)
    corner = (x - 20, y - 30)
    expected = np.array([[0.25, 0.4], [0.75, 0.4], [0.5, 0.6], [0.3, 0.8], [0.7, 0.8]]) * (40, 60) + corner - 0.5
    np.testing.assert_allclose(face.landmarks, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("picture", "scanned"),
    [((576, 960), (576, 960)), ((300, 200), (672, 480)), ((3000, 4000), (768, 960)), ((1, 1), (96, 96))],
)
def test_small_pictures_are_enlarged_twice_at_most_and_large_ones_reduced(
    picture: tuple[int, int], scanned: tuple[int, int]
) -> None:
    told = Told()
    CenterFace(told).detect([np.zeros((*picture, 3), np.uint8)])
    assert told.shapes == [(*scanned, 3)]


def test_the_second_look_is_at_a_smaller_picture() -> None:
    told = Told()
    CenterFace(told).look_again([np.zeros((576, 960, 3), np.uint8)])
    assert told.shapes == [(288, 480, 3)]


def test_a_face_that_fills_the_frame_is_found_at_the_second_look(network: Network, people: Pixels) -> None:
    detector = CenterFace(network)
    for face in detector.detect([people])[0]:
        x0, y0, x1, y1 = (round(side) for side in face.box)
        close_up = cv2.resize(people[y0:y1, x0:x1], None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC)
        assert len(detector.look_again([close_up])[0]) == 1


def test_of_what_overlaps_the_surest_is_kept_and_what_is_doubtful_is_none() -> None:
    told = Told((50, 100, 0.6), (50, 101, 0.95), (50, 102, 0.7), (20, 20, 0.55), (20, 200, 0.45))
    found = CenterFace(told).detect([np.zeros((640, 960, 3), np.uint8)])[0]
    assert [round(face.score, 2) for face in found] == [0.95, 0.55]


def test_a_score_is_never_more_than_certain() -> None:
    (face,) = CenterFace(Told((50, 100, 1.0001))).detect([np.zeros((640, 960, 3), np.uint8)])[0]
    assert face.score == 1.0


@pytest.mark.parametrize(("width", "faces"), [(19, 0), (21, 1)])
def test_what_is_smaller_than_10_px_in_the_picture_itself_is_no_face(width: int, faces: int) -> None:
    """A small picture is scanned at twice its size."""
    told = Told((50, 100, 0.9), width=width)
    assert len(CenterFace(told).detect([np.zeros((480, 480, 3), np.uint8)])[0]) == faces


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_an_error(which: int, value: float) -> None:
    told = Told((50, 100, 0.9))

    def spoilt(picture: Pixels) -> Maps:
        maps = told(picture)
        maps[which][:, 50, 100] = value
        return maps

    with pytest.raises(ValueError, match="no numbers"):
        CenterFace(spoilt).detect([np.zeros((640, 960, 3), np.uint8)])


def test_the_group_is_found_as_it_stands_with_its_points(network: Network, people: Pixels) -> None:
    found = CenterFace(network).detect([people])[0]
    assert len(found) == 6
    for face in found:
        x0, y0, x1, y1 = face.box
        assert ((face.landmarks > (x0, y0)) & (face.landmarks < (x1, y1))).all()
        left, right, nose, *mouth = face.landmarks
        assert left[0] < right[0]
        assert max(left[1], right[1]) < nose[1] < min(mouth[0][1], mouth[1][1])


@pytest.mark.parametrize("degrees", [-45, -30, 30, 45])
def test_tilted_heads_are_found(network: Network, people: Pixels, degrees: int) -> None:
    height, width = people.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.6)
    tilted = cv2.warpAffine(people, turn, (width, height))
    found = CenterFace(network).detect([tilted])[0]
    for face in CenterFace(network).detect([people])[0]:
        middle = turn @ [*np.mean([face.box[:2], face.box[2:]], axis=0), 1]
        assert any(np.hypot(*(_middle(other) - middle)) < 20 for other in found)


def test_faces_of_20_px_in_a_crowd_are_found(network: Network, people: Pixels) -> None:
    small = cv2.resize(people, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    crowd = np.tile(small, (4, 4, 1))
    assert len(CenterFace(network).detect([crowd])[0]) == 6 * 16


def test_without_openvino_the_same_faces_are_found(
    network: Network, dlib_version: ModelVersion, people: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise ModuleNotFoundError("openvino")

    monkeypatch.setattr(centerface, "openvino_core", absent)
    slow = CenterFace(open_network(dlib_version.path(CENTERFACE), Runtime())).detect([people])[0]
    fast = CenterFace(network).detect([people])[0]
    assert len(slow) == len(fast)
    for one, other in zip(slow, fast, strict=True):
        np.testing.assert_allclose(one.box, other.box, atol=0.1)
        np.testing.assert_allclose(one.landmarks, other.landmarks, atol=0.1)
        assert one.score == pytest.approx(other.score, abs=1e-3)


@pytest.mark.parametrize("installed", [True, False])
def test_another_network_is_refused(
    constant_network: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    def absent() -> None:
        raise ModuleNotFoundError("openvino")

    if not installed:
        monkeypatch.setattr(centerface, "openvino_core", absent)
    ages = constant_network("ages.onnx", 32, {"age": [0.2, 0.3, 0.5]})
    with pytest.raises(ValueError, match=r"ages\.onnx is no CenterFace"):
        open_network(ages, Runtime())


def _middle(face: Detection) -> np.ndarray:
    return np.mean([face.box[:2], face.box[2:]], axis=0)
