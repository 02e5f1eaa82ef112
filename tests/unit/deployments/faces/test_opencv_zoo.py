from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from deployments.faces.engine import build
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, Pixels
from deployments.runtime import Runtime
from registry.manifest import ModelVersion

YUNET = "yunet_n_640_640.onnx"


@pytest.fixture
def pair(
    face_models: Path, projection_network: Callable[..., Path], version_of: Callable[..., ModelVersion]
) -> ModelVersion:
    """YuNet with a stand-in of SFace's signature: 0..255 in, a batch of one, 128 numbers out."""
    sface = projection_network("sface.onnx", batch=1)
    (sface.parent / YUNET).symlink_to(face_models / YUNET)
    contract = {"detection": {"file": YUNET}, "recognition": {"file": sface.name, "mean": 0, "std": 1}}
    return version_of(sface.parent, [YUNET, sface.name], backend="opencv-zoo", embedding_space="sface", input=contract)


def test_all_six_people_are_found_left_to_right(pair: ModelVersion, group: Photo) -> None:
    found = build(pair, Runtime()).run([FaceQuery(group)])[0]
    assert len(found.faces) == 6
    assert [face.box[0] for face in found.faces] == sorted(face.box[0] for face in found.faces)
    assert found.space == "sface"
    for face in found.faces:
        x0, y0, x1, y1 = face.box
        assert ((face.landmarks > (x0, y0)) & (face.landmarks < (x1, y1))).all()


def test_vectors_are_those_of_opencv_s_own_recogniser(pair: ModelVersion, group: Photo) -> None:
    engine = build(pair, Runtime())
    reference = cv2.FaceRecognizerSF.create(str(pair.path("sface.onnx")), "")
    bgr = np.ascontiguousarray(group.pixels()[:, :, ::-1])
    for face in engine.run([FaceQuery(group)])[0].faces:
        x0, y0, x1, y1 = face.box
        row = np.float32([[x0, y0, x1 - x0, y1 - y0, *face.landmarks.ravel(), face.score]])
        expected = reference.feature(reference.alignCrop(bgr, row)).ravel()
        assert face.embedding @ expected / np.linalg.norm(expected) > 0.999


def test_a_face_that_fills_the_frame_is_found(
    pair: ModelVersion, group: Photo, photo_of: Callable[[Pixels], Photo]
) -> None:
    close_up = cv2.resize(group.pixels()[285:390, 1128:1228], None, fx=9, fy=9, interpolation=cv2.INTER_CUBIC)
    assert len(build(pair, Runtime()).run([FaceQuery(photo_of(close_up))])[0].faces) == 1


def test_a_detector_alone_finds_faces_without_vectors(
    face_models: Path, version_of: Callable[..., ModelVersion], group: Photo
) -> None:
    alone = version_of(face_models, [YUNET], backend="opencv-zoo", input={"detection": {"file": YUNET}})
    found = build(alone, Runtime()).run([FaceQuery(group)])[0]
    assert (len(found.faces), found.space, found.faces[0].embedding) == (6, None, None)


def test_vectors_without_the_name_of_their_space_are_refused(
    face_models: Path, version_of: Callable[..., ModelVersion]
) -> None:
    contract = {"detection": {"file": YUNET}, "recognition": {"file": "mobilefacenet_y1_128.onnx", "mean": 0, "std": 1}}
    version = version_of(face_models, [YUNET, "mobilefacenet_y1_128.onnx"], backend="opencv-zoo", input=contract)
    with pytest.raises(ValueError, match="embedding_space"):
        build(version, Runtime())


def test_a_manifest_that_does_not_say_which_file_detects_is_refused(
    face_models: Path, version_of: Callable[..., ModelVersion]
) -> None:
    with pytest.raises(ValueError, match="file"):
        build(version_of(face_models, [YUNET], backend="opencv-zoo"), Runtime())
