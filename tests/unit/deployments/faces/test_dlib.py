from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import dlib as library
import numpy as np
import pytest

from deployments.faces.alignment import ARCFACE_TEMPLATE
from deployments.faces.backend import Detection, Sighting
from deployments.faces.dlib import backend as dlib
from deployments.faces.engine import FaceEngine, build
from deployments.faces.landmarks import five_of
from deployments.faces.types import FaceQuery
from deployments.imaging import FloatArray, Photo, Pixels
from deployments.runtime import DeviceUnavailable, Runtime
from registry.manifest import ModelVersion


@pytest.fixture(scope="module")
def engine(dlib_version: ModelVersion) -> FaceEngine:
    return build(dlib_version, Runtime())


def test_all_six_people_are_found_with_68_points(engine: FaceEngine, group: Photo) -> None:
    found = engine.run([FaceQuery(group, dense=True)])[0]
    assert len(found.faces) == 6
    assert found.space == "dlib-resnet-v1"
    for face in found.faces:
        np.testing.assert_allclose(five_of(face.dense), face.landmarks, atol=1e-3)
    vectors = np.stack([face.embedding for face in found.faces])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_people_who_stand_on_their_heads_beside_others_are_found_where_every_face_is_asked_for(
    engine: FaceEngine, group: Photo, photo_of: Callable[[Pixels], Photo]
) -> None:
    people = group.pixels(640)
    both = photo_of(np.ascontiguousarray(np.vstack([people, people[::-1, ::-1]])))
    some, every = engine.run([FaceQuery(both, embed=False), FaceQuery(both, embed=False, every=True)])
    assert [face.box for face in every.faces[: len(some.faces)]] == [face.box for face in some.faces]
    standing = [face for face in every.faces if abs(face.pose.roll) < 45]
    hanging = [face for face in every.faces if abs(face.pose.roll) > 135]
    assert (len(standing), len(hanging)) == (6, 6)
    assert all(face.box[3] <= len(people) for face in standing)
    assert all(face.box[1] >= len(people) for face in hanging)
    seen = {face.box for face in some.faces}
    assert seen >= {face.box for face in standing}


def test_small_faces_in_a_large_photo_are_found_where_every_face_is_asked_for(
    engine: FaceEngine, group: Photo, photo_of: Callable[[Pixels], Photo]
) -> None:
    people, wall = group.pixels(), np.full((2400, 3200, 3), 120, np.uint8)
    wall[100 : 100 + people.shape[0], 100 : 100 + people.shape[1]] = people
    crowd = cv2.resize(people, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    wall[1800 : 1800 + crowd.shape[0], 2500 : 2500 + crowd.shape[1]] = crowd
    some, every = engine.run(
        [FaceQuery(photo_of(wall), embed=False), FaceQuery(photo_of(wall), embed=False, every=True)]
    )
    assert [face.box for face in every.faces[: len(some.faces)]] == [face.box for face in some.faces]
    faces = sorted(every.faces, key=lambda face: face.box[0])
    assert len(faces) == 12
    for large, small in zip(faces[:6], faces[6:], strict=True):
        np.testing.assert_allclose(small.landmarks, (large.landmarks - 100) * 0.3 + (2500, 1800), atol=3)


def test_one_person_is_more_alike_at_half_the_size_than_any_two_people(
    engine: FaceEngine, group: Photo, photo_of: Callable[[Pixels], Photo]
) -> None:
    large, small = engine.run([FaceQuery(group), FaceQuery(photo_of(group.pixels(640)))])
    similarity = np.stack([f.embedding for f in large.faces]) @ np.stack([f.embedding for f in small.faces]).T
    assert np.diag(similarity).min() > 0.95 > (similarity - 2 * np.eye(6)).max()


def test_the_vectors_are_dlib_s_own(engine: FaceEngine, dlib_version: ModelVersion, group: Photo) -> None:
    pixels = group.pixels()
    face = engine.run([FaceQuery(group)])[0].faces[-1]
    x0, y0, x1, y1 = face.box
    predictor = library.shape_predictor(str(dlib_version.path(dlib.PREDICTOR)))
    network = library.face_recognition_model_v1(str(dlib_version.path(dlib.RESNET)))
    shape = predictor(pixels, library.rectangle(round(x0), round(y0), round(x1) - 1, round(y1) - 1))
    expected = np.array(network.compute_face_descriptor(pixels, shape))
    assert face.embedding @ expected / np.linalg.norm(expected) > 0.995


def test_faces_of_40_px_in_a_small_photo_are_found(
    engine: FaceEngine, group: Photo, photo_of: Callable[[Pixels], Photo]
) -> None:
    small = cv2.resize(group.pixels(), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    assert len(engine.run([FaceQuery(photo_of(small), embed=False)])[0].faces) == 6


def test_a_gpu_that_dlib_cannot_use_is_a_failure(dlib_version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "DLIB_USE_CUDA", False)
    with pytest.raises(DeviceUnavailable):
        build(dlib_version, Runtime(device="cuda"))


def test_vectors_without_the_name_of_their_space_are_refused(
    version_of: Callable[..., ModelVersion], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="embedding_space"):
        build(version_of(tmp_path, [], backend="dlib"), Runtime())


def test_a_face_of_another_detector_cannot_be_embedded(
    dlib_version: ModelVersion, sighting_of: Callable[..., Sighting]
) -> None:
    embedder = dlib.load(dlib_version, Runtime()).embedder
    with pytest.raises(ValueError, match="68 points"):
        embedder.embed([sighting_of(np.zeros((90, 90, 3), np.uint8), (10, 10, 50, 60), np.zeros((5, 2)))])


def test_a_round_badge_is_not_a_face(dlib_version: ModelVersion) -> None:
    astronaut = Path(str(importlib.util.find_spec("skimage").origin)).parent / "data" / "astronaut.png"
    photo = Photo.open(astronaut.read_bytes())
    (found,) = build(dlib_version, Runtime()).run([FaceQuery(photo, embed=False)])
    (face,) = found.faces
    assert face.box[1] < 120, "the face, not the mission's badge on the sleeve"


# The five points of a face that looks ahead, and of one in profile, whose features lie behind each other.
AHEAD = ARCFACE_TEMPLATE
ASIDE = np.array([[70, 52], [76, 52], [92, 71], [72, 92], [77, 92]], dtype=np.float32)


class Finder:
    """Finds one face with the given five points, whatever the picture shows."""

    max_side = 640
    sure = 0.5

    def __init__(self, five: FloatArray) -> None:
        self._five = five

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        return [[Detection((30, 30, 90, 110), 0.9, self._five)] for _ in pictures]

    look_again = detect


@pytest.mark.parametrize(
    ("own", "stand"), [(AHEAD + 2, AHEAD), (ASIDE, ASIDE), (ASIDE[[1, 0, 2, 4, 3]] * (-1, 1), None)]
)
def test_of_a_head_in_profile_the_finder_s_own_five_points_stay(own: FloatArray, stand: FloatArray | None) -> None:
    dense = np.zeros((68, 2), np.float32)
    dense[36:42], dense[42:48], dense[30], dense[48], dense[54] = AHEAD
    detector = dlib.DlibDetector(Finder(own.astype(np.float32)), lambda picture, five: dense)
    ((face,),) = detector.detect([np.zeros((120, 120, 3), np.uint8)])
    np.testing.assert_allclose(face.landmarks, own if stand is None else stand)
    assert face.dense is dense
