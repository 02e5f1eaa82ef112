from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deployments.faces.backend import Detection, Sighting
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, Pixels
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion

insightface = pytest.importorskip("deployments.faces.insightface", reason="needs the extra `models`")


def test_all_six_people_are_found_left_to_right(scrfd_version: ModelVersion, group: Photo) -> None:
    found = build(scrfd_version, Runtime()).run([FaceQuery(group)])[0]
    centres = [(face.box[0] + face.box[2]) / 2 for face in found.faces]
    assert len(centres) == 6
    assert centres == sorted(centres)
    assert found.space == "mobilefacenet"
    vectors = np.stack([face.embedding for face in found.faces])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (vectors @ vectors.T - np.eye(6)).max() < 0.4


def test_one_person_is_more_alike_at_half_the_size_than_any_two_people(
    scrfd_version: ModelVersion, group: Photo, photo_of: Callable[[Pixels], Photo]
) -> None:
    engine = build(scrfd_version, Runtime())
    large, small = engine.run([FaceQuery(group), FaceQuery(photo_of(group.pixels(640)))])
    similarity = np.stack([f.embedding for f in large.faces]) @ np.stack([f.embedding for f in small.faces]).T
    assert np.diag(similarity).min() > 0.7 > 0.4 > (similarity - 2 * np.eye(6)).max()


def test_a_folder_is_understood_whatever_its_files_are_called(
    version_of: Callable[..., ModelVersion], face_models: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.onnx").symlink_to(face_models / "mobilefacenet_y1_128.onnx")
    (tmp_path / "b.onnx").symlink_to(face_models / "scrfd_500m_kps.onnx")
    (tmp_path / "README.txt").touch()
    backend = insightface.load(version_of(tmp_path, ["a.onnx", "README.txt", "b.onnx"], embedding_space="s"), Runtime())
    assert backend.embedder.space == "s"
    assert backend.landmarks is None
    assert backend.ages is None


def test_a_folder_without_a_detector_is_refused(version_of: Callable[..., ModelVersion], face_models: Path) -> None:
    with pytest.raises(ValueError, match="no SCRFD detector"):
        insightface.load(version_of(face_models, ["mobilefacenet_y1_128.onnx"], embedding_space="s"), Runtime())


def test_vectors_without_the_name_of_their_space_are_refused(
    version_of: Callable[..., ModelVersion], face_models: Path
) -> None:
    with pytest.raises(ValueError, match="embedding_space"):
        insightface.load(version_of(face_models, ["scrfd_500m_kps.onnx", "mobilefacenet_y1_128.onnx"]), Runtime())


def test_a_misspelt_contract_is_refused(version_of: Callable[..., ModelVersion], face_models: Path) -> None:
    version = version_of(face_models, ["scrfd_500m_kps.onnx"], input={"detection": {"treshold": 0.3}})
    with pytest.raises(ValueError, match="treshold"):
        insightface.load(version, Runtime())


def test_the_threshold_of_the_manifest_counts(
    version_of: Callable[..., ModelVersion], face_models: Path, group: Photo
) -> None:
    strict = version_of(
        face_models, ["scrfd_500m_kps.onnx"], backend="insightface", input={"detection": {"threshold": 0.99}}
    )
    assert build(strict, Runtime()).run([FaceQuery(group)])[0].faces == ()


def test_the_value_range_is_read_from_the_graph_and_may_be_stated(
    version_of: Callable[..., ModelVersion], face_models: Path, projection_network: Callable[..., Path]
) -> None:
    crop = np.random.default_rng(0).integers(0, 255, (112, 112, 3), np.uint8)
    face = Sighting(crop, Detection((0, 0, 112, 112), 1.0, np.zeros((5, 2), np.float32)), crop)
    folder = projection_network("plain.onnx").parent
    projection_network("scaled.onnx", scaled=True)
    (folder / "det.onnx").symlink_to(face_models / "scrfd_500m_kps.onnx")

    def embed(name: str, **stated: float) -> np.ndarray:
        contract = {"recognition": stated} if stated else {}
        version = version_of(folder, ["det.onnx", name], embedding_space="s", input=contract)
        return insightface.load(version, Runtime()).embedder.embed([face])

    np.testing.assert_allclose(embed("scaled.onnx"), embed("plain.onnx", mean=127.5, std=128), atol=1e-5)
    np.testing.assert_allclose(embed("plain.onnx"), embed("plain.onnx", mean=127.5, std=127.5), atol=1e-5)
    assert np.abs(embed("plain.onnx") - embed("plain.onnx", mean=0, std=1)).max() > 0.01


class TestMeshLandmarks:
    """The 68 points of ``1k3d68``, whose network answers with 1,103 vertices in -1..1 of 1.5 times the box."""

    @pytest.fixture
    def path(self, constant_network: Callable[..., Path]) -> Path:
        vertices = np.full((1103, 3), 9.0)
        vertices[-68:] = np.random.default_rng(5).uniform(-0.7, 0.7, (68, 3))
        return constant_network("1k3d68.onnx", 192, {"fc1": vertices.ravel().tolist()})

    @pytest.mark.parametrize("box", [(300, 200, 380, 300), (-20, -30, 60, 70), (1200, 800, 1290, 900)])
    def test_points_land_where_insightface_puts_them(
        self,
        path: Path,
        box: tuple[float, float, float, float],
        group: Photo,
        sighting_of: Callable[..., Sighting],
    ) -> None:
        from insightface.app.common import Face
        from insightface.model_zoo.landmark import Landmark

        model = Landmark(model_file=str(path), session=onnx_session(path, Runtime()))
        bgr = np.ascontiguousarray(group.pixels()[:, :, ::-1])
        expected = model.get(bgr, Face(bbox=np.array(box)))[:, :2]
        found = insightface.MeshLandmarks(model).locate([sighting_of(group.pixels(), box, np.zeros((5, 2)))])
        np.testing.assert_allclose(found[0], expected, atol=0.01)

    def test_it_is_recognised_in_a_folder(
        self, path: Path, version_of: Callable[..., ModelVersion], face_models: Path
    ) -> None:
        (path.parent / "det.onnx").symlink_to(face_models / "scrfd_500m_kps.onnx")
        backend = insightface.load(version_of(path.parent, ["det.onnx", path.name]), Runtime())
        assert isinstance(backend.landmarks, insightface.MeshLandmarks)


def test_age_comes_from_genderage(
    constant_network: Callable[..., Path],
    version_of: Callable[..., ModelVersion],
    face_models: Path,
    sighting_of: Callable[..., Sighting],
) -> None:
    path = constant_network("genderage.onnx", 96, {"fc1": [0.2, 0.8, 0.37]})
    (path.parent / "det.onnx").symlink_to(face_models / "scrfd_500m_kps.onnx")
    backend = insightface.load(version_of(path.parent, ["det.onnx", path.name]), Runtime())
    face = sighting_of(np.zeros((90, 90, 3), np.uint8), (10, 10, 50, 60), np.zeros((5, 2)))
    assert backend.ages.estimate([face, face]) == [37, 37]


def test_models_for_other_things_are_passed_over(
    constant_network: Callable[..., Path], version_of: Callable[..., ModelVersion], face_models: Path
) -> None:
    path = constant_network("2d106det.onnx", 192, {"fc1": [0.0] * 212})
    (path.parent / "det.onnx").symlink_to(face_models / "scrfd_500m_kps.onnx")
    backend = insightface.load(version_of(path.parent, ["det.onnx", path.name]), Runtime())
    assert (backend.embedder, backend.landmarks, backend.ages) == (None, None, None)
