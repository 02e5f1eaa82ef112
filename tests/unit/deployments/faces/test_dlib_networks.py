from __future__ import annotations


import cv2
import dlib as library
import numpy as np
import pytest

from deployments.faces.dlib import graph
from deployments.faces.dlib.backend import MMOD, RESNET
from deployments.faces.dlib.networks import Find, Mmod, ResNet, _DlibMmod
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, Pixels
from deployments.runtime import Runtime
from registry.manifest import ModelVersion


@pytest.fixture(scope="module")
def people(group: Photo) -> Pixels:
    """Six people whose faces are some 100 px high."""
    return group.pixels()


def test_the_resnet_gives_the_numbers_that_dlib_s_own_gives(dlib_version: ModelVersion, people: Pixels) -> None:
    path = dlib_version.path(RESNET)
    noise = np.random.default_rng(1).integers(0, 256, (150, 150, 3), np.uint8)
    chips = [people[100:250, 100:250], people[300:450, 600:750], noise, np.zeros_like(noise), np.full_like(noise, 255)]
    chips = [np.ascontiguousarray(chip) for chip in chips]
    own = library.face_recognition_model_v1(str(path)).compute_face_descriptor(chips)
    found = ResNet(path, Runtime(threads=2))(chips)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array(own), rtol=0, atol=2e-5)


@pytest.mark.parametrize("scale", [0.8, 1.2])
def test_the_detector_finds_the_faces_that_dlib_s_own_finds(
    dlib_version: ModelVersion, people: Pixels, scale: float
) -> None:
    picture = cv2.resize(people[150:600, 500:], None, fx=scale, fy=scale)
    own = dict(_centres(_DlibMmod(dlib_version.path(MMOD)), picture))
    found = list(_centres(Mmod(dlib_version.path(MMOD), Runtime(threads=2)), picture))
    assert len(found) == len(own) > 1
    for centre, margin in found:
        nearest = min(own, key=lambda other: np.hypot(other[0] - centre[0], other[1] - centre[1]))
        # Windows lie eight pixels of their level apart, and where the first one lies is arbitrary.
        assert np.hypot(nearest[0] - centre[0], nearest[1] - centre[1]) < 24
        assert margin == pytest.approx(own.pop(nearest), abs=0.15)


def test_on_average_windows_lie_where_dlib_s_own_lie(dlib_version: ModelVersion, people: Pixels) -> None:
    mmod, own = Mmod(dlib_version.path(MMOD), Runtime()), _DlibMmod(dlib_version.path(MMOD))
    off = []
    for shift in range(0, 16, 2):
        picture = np.ascontiguousarray(people[240 + shift : 460 + shift, 1060 + shift : 1280])
        ((centre, _),), ((expected, _),) = _centres(mmod, picture), _centres(own, picture)
        off.append(np.subtract(centre, expected))
    np.testing.assert_allclose(np.mean(off, axis=0), 0, atol=4)


@pytest.mark.parametrize("shape", [(1, 1), (10, 300), (39, 200), (41, 4000)])
def test_pictures_of_any_shape_are_looked_at(dlib_version: ModelVersion, shape: tuple[int, int]) -> None:
    assert Mmod(dlib_version.path(MMOD), Runtime())(np.zeros((*shape, 3), np.uint8)) == []


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


def test_a_file_of_another_network_is_refused(dlib_version: ModelVersion) -> None:
    with pytest.raises(ValueError, match="no detector"):
        Mmod(dlib_version.path(RESNET), Runtime())


def _centres(find: Find, picture: Pixels) -> list[tuple[tuple[float, float], float]]:
    return [(((x0 + x1) / 2, (y0 + y1) / 2), margin) for (x0, y0, x1, y1), margin in find(picture)]
