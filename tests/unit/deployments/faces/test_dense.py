from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from deployments.faces.alignment import ARCFACE_TEMPLATE, transform_points
from deployments.faces.backend import Detection, Sighting
from deployments.faces.dense import OnnxLandmarks
from deployments.faces.dlib import backend as dlib
from deployments.imaging import Photo
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion


def test_points_agree_with_dlib_s_on_real_faces(face_models: Path, dlib_version: ModelVersion, group: Photo) -> None:
    pixels = group.pixels()
    faces = [
        Sighting(pixels, detection, np.zeros((112, 112, 3), np.uint8))
        for detection in dlib.load(dlib_version, Runtime()).detector.detect([pixels])[0]
    ]
    found = OnnxLandmarks(onnx_session(face_models / "face_landmark_68.onnx", Runtime())).locate(faces)
    errors = [
        np.linalg.norm(points - face.detection.dense, axis=1).mean()
        / np.linalg.norm(face.detection.dense[36] - face.detection.dense[45])
        for points, face in zip(found, faces, strict=True)
    ]
    assert np.median(errors) < 0.08


@pytest.mark.parametrize("angle", [0, 30, 180])
def test_points_turn_with_the_head(constant_network: Callable[..., Path], angle: float) -> None:
    model = OnnxLandmarks(onnx_session(constant_network("points.onnx", 112, {"points": [0.5] * 136}), Runtime()))
    picture = np.zeros((400, 400, 3), np.uint8)
    turn = cv2.getRotationMatrix2D((200, 200), angle, 1).astype(np.float32)
    upright = ARCFACE_TEMPLATE + 140
    plain, turned = model.locate(
        [
            Sighting(picture, Detection((0, 0, 1, 1), 1.0, points), picture)
            for points in (upright, transform_points(upright, turn))
        ]
    )
    np.testing.assert_allclose(turned, transform_points(plain, turn), atol=0.05)


def test_many_faces_keep_their_order(constant_network: Callable[..., Path]) -> None:
    model = OnnxLandmarks(onnx_session(constant_network("points.onnx", 112, {"points": [0.5] * 136}), Runtime()))
    picture = np.zeros((40, 40, 3), np.uint8)
    faces = [Sighting(picture, Detection((0, 0, 1, 1), 1.0, ARCFACE_TEMPLATE + step), picture) for step in range(50)]
    steps = [points[0, 0] for points in model.locate(faces)]
    np.testing.assert_allclose(np.diff(steps), 1, atol=1e-3)


def test_another_kind_of_network_is_refused(constant_network: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="not a network for 68 points"):
        OnnxLandmarks(onnx_session(constant_network("age.onnx", 112, {"age": [1.0]}), Runtime()))
