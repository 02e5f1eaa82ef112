from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from deployments.faces.scrfd import ScrfdDetector
from deployments.imaging import Photo
from deployments.runtime import Runtime, onnx_session


@pytest.fixture(scope="module")
def session(face_models: Path) -> ort.InferenceSession:
    return onnx_session(face_models / "scrfd_500m_kps.onnx", Runtime())


@pytest.fixture(scope="module")
def batched_session(face_models: Path, tmp_path_factory: pytest.TempPathFactory) -> ort.InferenceSession:
    """The same network with its batch axis declared free."""
    model = onnx.load(face_models / "scrfd_500m_kps.onnx")
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    path = tmp_path_factory.mktemp("scrfd") / "batched.onnx"
    onnx.save(model, path)
    return onnx_session(path, Runtime())


def test_boxes_points_and_scores_are_those_of_insightface(
    session: ort.InferenceSession, face_models: Path, group: Photo
) -> None:
    scrfd = pytest.importorskip("insightface.model_zoo.scrfd")
    reference = scrfd.SCRFD(str(face_models / "scrfd_500m_kps.onnx"), session)
    pixels = group.pixels(640)
    boxes, points = reference.detect(np.ascontiguousarray(pixels[:, :, ::-1]), det_thresh=0.5)
    found = ScrfdDetector(session).detect([pixels])[0]
    assert len(found) == len(boxes) == 6
    np.testing.assert_allclose([face.box for face in found], boxes[:, :4], atol=0.01)
    np.testing.assert_allclose([face.score for face in found], boxes[:, 4], atol=1e-5)
    np.testing.assert_allclose([face.landmarks for face in found], points, atol=0.01)


def test_a_batch_gives_what_its_photos_give_alone(batched_session: ort.InferenceSession, group: Photo) -> None:
    pixels = group.pixels()
    pictures = [pixels, pixels[:, :640], np.zeros((50, 70, 3), np.uint8), pixels[100:500, 600:1280]]
    detector = ScrfdDetector(batched_session)
    together = detector.detect([np.ascontiguousarray(picture) for picture in pictures])
    assert [len(faces) for faces in together] == [6, 3, 0, 3]
    for picture, faces in zip(pictures, together, strict=True):
        alone = detector.detect([np.ascontiguousarray(picture)])[0]
        np.testing.assert_allclose([face.box for face in faces], [face.box for face in alone], atol=0.01)


def test_a_batch_of_photos_is_one_run_of_the_network(
    batched_session: ort.InferenceSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    real = batched_session.run

    def counted(names: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        runs.append(next(iter(feed.values())).shape)
        return real(names, feed)

    monkeypatch.setattr(batched_session, "run", counted)
    ScrfdDetector(batched_session).detect([np.zeros((50, 70, 3), np.uint8)] * 5)
    assert runs == [(5, 3, 640, 640)]


def test_exports_without_a_batch_axis_in_their_outputs_are_read_alike(
    session: ort.InferenceSession, face_models: Path, tmp_path: Path, group: Photo
) -> None:
    """As in InsightFace's packs: any height and width, rows of all anchors, one photo at a time."""
    model = onnx.load(face_models / "scrfd_500m_kps.onnx")
    for side in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[side].dim_param = "?"
    for index, output in enumerate(list(model.graph.output)):
        flat = onnx.helper.make_tensor_value_info(f"flat{index}", onnx.TensorProto.FLOAT, ["?", "?"])
        model.graph.node.append(onnx.helper.make_node("Squeeze", [output.name], [flat.name], axes=[0]))
        model.graph.output[index].CopyFrom(flat)
    onnx.save(model, tmp_path / "flat.onnx")
    pictures = [group.pixels(), group.pixels(640)]
    expected = ScrfdDetector(session).detect(pictures)
    found = ScrfdDetector(onnx_session(tmp_path / "flat.onnx", Runtime())).detect(pictures)
    assert [len(faces) for faces in found] == [6, 6]
    for own, others in zip(found, expected, strict=True):
        np.testing.assert_allclose([face.box for face in own], [face.box for face in others], atol=0.01)


def test_the_second_look_finds_a_face_that_fills_the_frame(session: ort.InferenceSession, group: Photo) -> None:
    close_up = np.ascontiguousarray(group.pixels()[285:390, 1128:1228])
    found = ScrfdDetector(session).look_again([close_up])[0]
    assert len(found) == 1
    left_eye, right_eye = found[0].landmarks[:2]
    assert left_eye[0] < 50 < right_eye[0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("output", ["score", "box", "points"])
def test_values_that_are_no_numbers_are_an_error_and_no_missing_face(
    session: ort.InferenceSession, monkeypatch: pytest.MonkeyPatch, group: Photo, output: str, value: float
) -> None:
    """What is spoilt is not what the network is surest of: it must not just be left out."""
    real = session.run

    def spoilt(names: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        outputs = real(names, feed)
        level = max(range(3), key=lambda level: outputs[level].max())
        scores = outputs[level].ravel()
        seen = np.flatnonzero(scores >= 0.5)
        values = outputs[level + {"score": 0, "box": 3, "points": 6}[output]]
        values.reshape(scores.size, -1)[seen[scores[seen].argmin()]] = value
        return outputs

    monkeypatch.setattr(session, "run", spoilt)
    with pytest.raises(ValueError, match="the face detector gives values that are no numbers"):
        ScrfdDetector(session).detect([group.pixels()])


def test_a_model_without_key_points_is_refused(constant_network: Callable[..., Path]) -> None:
    path = constant_network("no_points.onnx", 640, {f"out{index}": [0.0] for index in range(6)})
    with pytest.raises(ValueError, match="9 or 15 outputs, this model has 6"):
        ScrfdDetector(onnx_session(path, Runtime()))
