"""What people really send: every backend answers each of these with faces or with an empty set, never an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from deployments.faces.engine import FaceEngine, build
from deployments.faces.types import FaceQuery, FaceSet
from deployments.imaging import Photo, Pixels
from deployments.runtime import Runtime
from registry.manifest import ModelVersion

Look = Callable[[Pixels], FaceSet]


@pytest.fixture(scope="module", params=["insightface", "opencv-zoo", "dlib"])
def engine(request: pytest.FixtureRequest, version_of: Callable[..., ModelVersion]) -> FaceEngine:
    if request.param == "dlib":
        return build(request.getfixturevalue("dlib_version"), Runtime())
    if request.param == "insightface":
        pytest.importorskip("insightface")
        return build(request.getfixturevalue("scrfd_version"), Runtime())
    folder: Path = request.getfixturevalue("face_models")
    detector, embedder = "yunet_n_640_640.onnx", "mobilefacenet_y1_128.onnx"
    contract = {"detection": {"file": detector}, "recognition": {"file": embedder, "mean": 0, "std": 1}}
    names = [detector, embedder]
    return build(version_of(folder, names, backend="opencv-zoo", embedding_space="s", input=contract), Runtime())


@pytest.fixture(scope="module")
def look(engine: FaceEngine, photo_of: Callable[[Pixels], Photo]) -> Look:
    def run(pixels: Pixels) -> FaceSet:
        found = engine.run([FaceQuery(photo_of(pixels))])[0]
        height, width = pixels.shape[:2]
        for face in found.faces:
            x0, y0, x1, y1 = face.box
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            assert 0 <= face.score <= 1
            assert 0 <= face.quality.score <= 1
            assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-4)
        return found

    return run


@pytest.fixture(scope="session")
def pixels(group: Photo) -> Pixels:
    return group.pixels()


@pytest.fixture(scope="module")
def upright(look: Look, pixels: Pixels) -> FaceSet:
    return look(pixels)


@pytest.fixture(scope="module")
def upside_down(look: Look, pixels: Pixels) -> FaceSet:
    return look(pixels[::-1, ::-1])


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 2), (7, 9)])
def test_a_tiny_or_thread_like_picture_holds_no_face(look: Look, shape: tuple[int, int]) -> None:
    assert look(np.full((*shape, 3), 200, np.uint8)).faces == ()


def test_noise_holds_no_face(look: Look) -> None:
    assert look(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)).faces == ()


def test_a_crowd_of_thirty_is_found_and_ordered(look: Look, pixels: Pixels) -> None:
    portraits = [pixels[y - 120 : y + 120, x - 100 : x + 100] for x, y in ((120, 330), (520, 340), (1180, 340))]
    rows = [np.hstack([portraits[(row + column) % 3] for column in range(10)]) for row in range(3)]
    faces = look(np.vstack(rows)).faces
    centres = [(face.box[0] + face.box[2]) / 2 for face in faces]
    assert 28 <= len(faces) <= 32
    assert centres == sorted(centres)


def test_black_and_white_is_as_good_as_colour(look: Look, pixels: Pixels) -> None:
    assert len(look(np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)).faces) == 6


def test_upside_down_all_faces_are_found_and_the_roll_tells(upside_down: FaceSet) -> None:
    assert len(upside_down.faces) == 6
    assert all(abs(face.pose.roll) > 130 for face in upside_down.faces)


@pytest.mark.parametrize(("turns", "roll"), [(1, -90), (3, 90)])
def test_on_its_side_all_faces_are_found_and_the_roll_tells(
    look: Look, pixels: Pixels, turns: int, roll: float
) -> None:
    faces = look(np.rot90(pixels, turns)).faces
    assert len(faces) == 6
    assert all(abs(face.pose.roll - roll) < 45 for face in faces)


def test_a_turned_photo_gives_the_vectors_of_the_upright_one(upright: FaceSet, upside_down: FaceSet) -> None:
    straight, turned = (np.stack([face.embedding for face in found.faces]) for found in (upright, upside_down))
    assert (straight @ turned.T).max(axis=1).min() > 0.9


def test_sunglasses_do_not_hide_a_face(look: Look, pixels: Pixels, upright: FaceSet) -> None:
    masked = pixels.copy()
    for face in upright.faces:
        eyes = face.landmarks[:2]
        reach = float(np.linalg.norm(eyes[1] - eyes[0]))
        for eye in eyes:
            axes = (int(0.42 * reach), int(0.32 * reach))
            cv2.ellipse(masked, eye.astype(int).tolist(), axes, face.pose.roll, 0, 360, (15, 15, 15), -1)
    assert len(look(masked).faces) >= 5


def test_a_profile_is_told_by_its_yaw(upright: FaceSet) -> None:
    looking_left = upright.faces[4]
    assert looking_left.pose.yaw < -35
    assert looking_left.quality.score < 0.8


def test_a_face_cut_in_half_by_the_border_stays_inside_it(look: Look, pixels: Pixels) -> None:
    for face in look(np.ascontiguousarray(pixels[200:500, 1172:])).faces:
        assert face.box[0] == pytest.approx(0, abs=12)


def test_of_a_face_that_fills_the_frame_not_just_a_half_is_seen(look: Look, pixels: Pixels, upright: FaceSet) -> None:
    for x0, y0, x1, y1 in (map(round, face.box) for face in upright.faces):
        close_up = cv2.resize(pixels[y0:y1, x0:x1], None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
        (found,) = look(close_up).faces
        assert (found.box[2] - found.box[0]) * (found.box[3] - found.box[1]) > 0.6 * close_up.shape[0] * close_up.shape[
            1
        ]


def test_a_face_of_8_px_is_not_made_up(look: Look, pixels: Pixels) -> None:
    person = cv2.resize(pixels[230:440, 1060:1280], (16, 15), interpolation=cv2.INTER_AREA)
    wall = np.full((400, 500, 3), 120, np.uint8)
    wall[150:165, 200:216] = person
    assert look(wall).faces == ()


def test_a_pencil_drawing_shows_its_people(look: Look, pixels: Pixels) -> None:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    drawing = cv2.divide(grey, 255 - cv2.GaussianBlur(255 - grey, (21, 21), 0), scale=256)
    assert len(look(np.repeat(drawing[:, :, None], 3, axis=2)).faces) >= 5


def test_a_photo_that_is_all_face_is_one_face(look: Look, pixels: Pixels) -> None:
    close_up = cv2.resize(pixels[275:400, 1120:1235], None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    assert len(look(close_up).faces) == 1
