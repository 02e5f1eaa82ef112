from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deployments.faces.backend import Backend, Detection, Sighting
from deployments.faces.engine import FaceEngine, build
from deployments.faces.types import FaceQuery
from deployments.imaging import FloatArray, Photo, Pixels
from deployments.runtime import Runtime
from registry.manifest import ModelVersion

POINTS = np.float32([[-10, -8], [10, -8], [0, 2], [-8, 12], [8, 12]])


def face_at(x: float, y: float, score: float = 0.9) -> Detection:
    return Detection((x - 20, y - 24, x + 20, y + 24), score, (POINTS + (x, y)).astype(np.float32))


class Known:
    """Reports the faces it was told of, by the grey value of a picture."""

    max_side = 200
    sure = 0.5

    def __init__(self, faces: dict[int, list[Detection]]) -> None:
        self.faces = faces
        self.sides: list[int] = []

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        self.sides += [max(picture.shape[:2]) for picture in pictures]
        return [list(self.faces.get(int(picture[0, 0, 0]), [])) for picture in pictures]

    def look_again(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        return [[] for _ in pictures]


class Counting:
    """Embedder, landmark and age model in one: answers with where the face is, and counts its runs."""

    space = "where"

    def __init__(self) -> None:
        self.runs: list[int] = []

    def embed(self, faces: Sequence[Sighting]) -> FloatArray:
        self.runs.append(len(faces))
        return np.float32([face.detection.box[:2] for face in faces])

    def locate(self, faces: Sequence[Sighting]) -> list[FloatArray]:
        return [np.repeat(face.detection.landmarks[:1], 68, axis=0) for face in faces]

    def estimate(self, faces: Sequence[Sighting]) -> list[float]:
        return [face.detection.box[0] for face in faces]


@pytest.fixture
def grey_photo(photo_of: Callable[[Pixels], Photo]) -> Callable[..., Photo]:
    return lambda grey, width=200, height=120: photo_of(np.full((height, width, 3), grey, np.uint8))


def test_faces_come_left_to_right_and_then_top_to_bottom(grey_photo: Callable[..., Photo]) -> None:
    engine = FaceEngine(Backend(Known({1: [face_at(150, 50), face_at(40, 90), face_at(40, 30), face_at(90, 60)]})))
    faces = engine.run([FaceQuery(grey_photo(1))])[0].faces
    assert [tuple(face.landmarks[2].tolist()) for face in faces] == [(40, 32), (40, 92), (90, 62), (150, 52)]


def test_who_is_upright_on_another_side_comes_last_so_that_the_others_keep_their_numbers(
    grey_photo: Callable[..., Photo],
) -> None:
    # The detector sees the same whichever side is up: what it sees on another one lies elsewhere in the photo.
    engine = FaceEngine(Backend(Known({1: [face_at(100, 40)]})))
    plain, every = engine.run([FaceQuery(grey_photo(1)), FaceQuery(grey_photo(1), every=True)])
    assert [face.box for face in plain.faces] == [(80, 16, 120, 64)]
    assert every.faces[0].box == (80, 16, 120, 64)
    assert [face.box[0] for face in every.faces[1:]] == sorted(face.box[0] for face in every.faces[1:])
    assert every.faces[1].box[0] < 80


def test_a_photo_without_a_face_gives_an_empty_set(grey_photo: Callable[..., Photo]) -> None:
    engine = FaceEngine(Backend(Known({}), Counting()))
    found = engine.run([FaceQuery(grey_photo(1))])[0]
    assert found.faces == ()
    assert found.space == "where"


def test_an_empty_batch_gives_an_empty_list() -> None:
    assert FaceEngine(Backend(Known({}), Counting())).run([]) == []


def test_all_faces_of_a_batch_are_embedded_in_one_run(grey_photo: Callable[..., Photo]) -> None:
    embedder = Counting()
    engine = FaceEngine(Backend(Known({1: [face_at(40, 40), face_at(90, 40)], 3: [face_at(60, 60)]}), embedder))
    found = engine.run([FaceQuery(grey_photo(grey)) for grey in (1, 2, 3)])
    assert embedder.runs == [3]
    assert [[face.embedding.tolist() for face in one.faces] for one in found] == [[[20, 16], [70, 16]], [], [[40, 36]]]


def test_only_queries_that_ask_are_embedded(grey_photo: Callable[..., Photo]) -> None:
    embedder = Counting()
    engine = FaceEngine(Backend(Known({1: [face_at(40, 40)], 2: [face_at(90, 40)]}), embedder))
    plain, embedded = engine.run([FaceQuery(grey_photo(1), embed=False), FaceQuery(grey_photo(2))])
    assert (plain.space, plain.faces[0].embedding) == (None, None)
    assert (embedded.space, embedded.faces[0].embedding.tolist()) == ("where", [70, 16])
    assert embedder.runs == [1]


def test_a_backend_without_an_embedder_has_no_space(grey_photo: Callable[..., Photo]) -> None:
    engine = FaceEngine(Backend(Known({1: [face_at(40, 40)]})))
    found = engine.run([FaceQuery(grey_photo(1))])[0]
    assert engine.space is None
    assert (found.space, found.faces[0].embedding, found.faces[0].age) == (None, None, None)


def test_a_large_photo_is_decoded_small_and_answered_in_its_own_pixels(grey_photo: Callable[..., Photo]) -> None:
    detector, models = Known({1: [face_at(40, 40)]}), Counting()
    engine = FaceEngine(Backend(detector, models, models, models))
    face = engine.run([FaceQuery(grey_photo(1, 800, 480), dense=True)])[0].faces[0]
    assert detector.sides == [200]
    assert face.box == (80, 64, 240, 256)
    assert face.quality.size == 160
    np.testing.assert_allclose(face.landmarks, (POINTS + 40.5) * 4 - 0.5)
    np.testing.assert_allclose(face.dense, np.float32([[121.5, 129.5]] * 68))


class Broken(Counting):
    """The same models, whose weights are damaged."""

    def locate(self, faces: Sequence[Sighting]) -> list[FloatArray]:
        return [np.full((68, 2), np.nan, np.float32) for _ in faces]

    def estimate(self, faces: Sequence[Sighting]) -> list[float]:
        return [float("nan") for _ in faces]


@pytest.mark.parametrize(
    ("parts", "whose"),
    [({"landmarks": Broken()}, "landmark model"), ({"ages": Broken()}, "age model")],
    ids=["points", "ages"],
)
def test_answers_that_are_no_numbers_are_an_error_and_no_face_that_nobody_can_hide(
    parts: dict[str, Broken], whose: str, grey_photo: Callable[..., Photo]
) -> None:
    engine = FaceEngine(Backend(Known({1: [face_at(40, 40)]}), **parts))
    with pytest.raises(ValueError, match=f"the {whose} gives values that are no numbers"):
        engine.run([FaceQuery(grey_photo(1), dense=True)])
    with pytest.raises(ValueError, match=f"the {whose} gives values that are no numbers"):
        engine.warm_up()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_detection_that_is_no_number_cannot_be_made(value: float) -> None:
    """Whatever detector it comes from."""
    whole = face_at(40, 40)
    for spoilt in (
        {"box": (*whole.box[:3], value)},
        {"score": value},
        {"landmarks": np.where(np.arange(10).reshape(5, 2) == 3, value, whole.landmarks)},
        {"dense": np.full((68, 2), value, np.float32)},
    ):
        with pytest.raises(ValueError, match="the face detector gives values that are no numbers"):
            replace(whole, **spoilt)


def test_a_face_half_outside_is_clipped_but_keeps_its_points(grey_photo: Callable[..., Photo]) -> None:
    face = FaceEngine(Backend(Known({1: [face_at(5, 60)]}))).run([FaceQuery(grey_photo(1))])[0].faces[0]
    assert face.box == (0, 36, 25, 84)
    assert face.landmarks[0].tolist() == [-5, 52]


@pytest.mark.parametrize(
    "useless",
    [face_at(-100, 60), Detection((50, 50, 60, 60), 0.9, np.full((5, 2), 55, np.float32))],
    ids=["outside the photo", "all points on one spot"],
)
def test_a_face_nothing_can_be_done_with_is_left_out(useless: Detection, grey_photo: Callable[..., Photo]) -> None:
    engine = FaceEngine(Backend(Known({1: [useless, face_at(60, 60)]}), Counting()))
    assert len(engine.run([FaceQuery(grey_photo(1))])[0].faces) == 1


def test_dense_points_come_only_when_asked_for(grey_photo: Callable[..., Photo]) -> None:
    engine = FaceEngine(Backend(Known({1: [face_at(40, 40)]}), landmarks=Counting()))
    plain, dense = engine.run([FaceQuery(grey_photo(1)), FaceQuery(grey_photo(1), dense=True)])
    assert plain.faces[0].dense is None
    assert dense.faces[0].dense.shape == (68, 2)


def test_ages_are_told_where_there_is_a_model(grey_photo: Callable[..., Photo]) -> None:
    engine = FaceEngine(Backend(Known({1: [face_at(40, 40)]}), ages=Counting()))
    assert engine.run([FaceQuery(grey_photo(1))])[0].faces[0].age == 20


def test_a_closed_engine_says_so(grey_photo: Callable[..., Photo]) -> None:
    engine = FaceEngine(Backend(Known({})))
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.run([FaceQuery(grey_photo(1))])


def test_warming_up_runs_every_model() -> None:
    models = Counting()
    FaceEngine(Backend(Known({}), models, models, models)).warm_up()
    assert models.runs == [1]


def test_an_unknown_backend_is_refused(version_of: Callable[..., ModelVersion], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="backend 'mtcnn'"):
        build(version_of(tmp_path, [], backend="mtcnn"), Runtime())


def test_an_extra_for_another_task_is_refused(
    version_of: Callable[..., ModelVersion], scrfd_version: ModelVersion, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="style, which a face engine cannot add"):
        build(scrfd_version, Runtime(), [version_of(tmp_path, [], task="style")])


def test_a_licence_beside_an_age_model_does_no_harm_and_a_second_graph_is_refused(
    version_of: Callable[..., ModelVersion], scrfd_version: ModelVersion, face_models: Path, tmp_path: Path
) -> None:
    shutil.copy(face_models / "age_gender.onnx", tmp_path / "age.onnx")
    (tmp_path / "LICENSE").write_text("MIT")
    build(scrfd_version, Runtime(), [version_of(tmp_path, ["LICENSE", "age.onnx"], task="face-age")]).close()
    shutil.copy(tmp_path / "age.onnx", tmp_path / "older.onnx")
    with pytest.raises(ValueError, match=r"should hold one \.onnx file, it holds 2"):
        build(scrfd_version, Runtime(), [version_of(tmp_path, ["older.onnx", "age.onnx"], task="face-age")])


def test_extras_add_age_and_dense_points(
    version_of: Callable[..., ModelVersion], scrfd_version: ModelVersion, face_models: Path, group: Photo
) -> None:
    extras = [
        version_of(face_models, ["age_gender.onnx"], task="face-age"),
        version_of(face_models, ["face_landmark_68.onnx"], task="face-landmarks"),
    ]
    faces = build(scrfd_version, Runtime(), extras).run([FaceQuery(group, dense=True)])[0].faces
    assert len(faces) == 6
    assert all(10 < face.age < 45 for face in faces)
    for face in faces:
        eyes = [face.dense[36:42].mean(axis=0), face.dense[42:48].mean(axis=0)]
        assert np.linalg.norm(eyes - face.landmarks[:2], axis=1).max() < 0.15 * face.quality.size
