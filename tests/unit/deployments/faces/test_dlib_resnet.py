from __future__ import annotations

import dlib as library
import numpy as np
import pytest

from deployments.faces.dlib import graph
from deployments.faces.dlib.backend import RESNET
from deployments.faces.dlib.resnet import ResNet
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo
from deployments.runtime import Runtime
from registry.manifest import ModelVersion


def test_the_resnet_gives_the_numbers_that_dlib_s_own_gives(dlib_version: ModelVersion, group: Photo) -> None:
    people, path = group.pixels(), dlib_version.path(RESNET)
    noise = np.random.default_rng(1).integers(0, 256, (150, 150, 3), np.uint8)
    chips = [people[100:250, 100:250], people[300:450, 600:750], noise, np.zeros_like(noise), np.full_like(noise, 255)]
    chips = [np.ascontiguousarray(chip) for chip in chips]
    own = library.face_recognition_model_v1(str(path)).compute_face_descriptor(chips)
    found = ResNet(path, Runtime(threads=2))(chips)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(own), rtol=0, atol=2e-5)


def test_without_openvino_dlib_computes_its_networks_itself(
    dlib_version: ModelVersion, group: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = build(dlib_version, Runtime()).run([FaceQuery(group)])[0].faces

    def absent() -> None:
        raise ModuleNotFoundError("openvino")

    monkeypatch.setattr(graph, "openvino_core", absent)
    slow = build(dlib_version, Runtime()).run([FaceQuery(group)])[0].faces
    assert [face.box for face in slow] == [face.box for face in fast]
    for one, other in zip(slow, fast, strict=True):
        np.testing.assert_allclose(one.embedding, other.embedding, rtol=0, atol=2e-5)
