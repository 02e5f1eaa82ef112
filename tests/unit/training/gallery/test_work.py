"""What the commands of ``masquerade gallery`` do before and after a gallery is built."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from registry.errors import RegistryError
from registry.store import FolderStore
from tests import versions
from training.gallery import work
from training.gallery.build import Embedder, Plan
from training.gallery.cli import app


@pytest.fixture(autouse=True)
def stand_in(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "build_faces", lambda *_: embedder.engine)


@pytest.fixture
def people(studio, tmp_path: Path) -> Path:
    for seed, name in enumerate(("Ada", "Grace")):
        studio.take(tmp_path / "people" / name / "1.jpg", studio.face(name), seed=seed)
    return tmp_path / "people"


def test_a_gallery_is_built_with_the_face_model_that_serves(store: FolderStore, people: Path, tmp_path: Path) -> None:
    for name, space in (("dlib-faces", "other-space"), ("buffalo-l", "test-space")):
        versions.publish(store, model=name, task="face-analysis", embedding_space=space)
    work.build_gallery(store, people, Plan("stars"), None, tmp_path / "report")
    assert store.manifest("stars").input["embedder"] == "buffalo-l@v1"
    work.build_gallery(store, people, Plan("stars"), "dlib-faces", tmp_path / "report")
    assert store.manifest("stars").input["embedder"] == "dlib-faces@v1"


def test_the_end_of_a_build_says_how_the_gallery_gets_served(store: FolderStore, people: Path, tmp_path: Path) -> None:
    versions.publish(store, model="dlib-faces", task="face-analysis", embedding_space="test-space")
    arguments = ["build", str(people), "--name", "stars", "--store", str(store.root), "--report", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "serves after the next start" in result.output
    assert "MASQUERADE_MODELS__GALLERY=stars" in result.output


def test_the_setting_that_chooses_the_face_model_chooses_it_for_galleries_too(
    store: FolderStore, people: Path, tmp_path: Path
) -> None:
    for name in ("dlib-faces", "buffalo-l"):
        versions.publish(store, model=name, task="face-analysis", embedding_space="test-space")
    arguments = ["build", str(people), "--name", "stars", "--store", str(store.root), "--report", str(tmp_path / "out")]
    CliRunner().invoke(app, arguments, env={"MASQUERADE_MODELS__FACES": "dlib-faces"})
    assert store.manifest("stars").input["embedder"] == "dlib-faces@v1"


def test_without_a_face_model_the_remedy_is_named(store: FolderStore, people: Path) -> None:
    with pytest.raises(RegistryError, match="masquerade models pull dlib-faces"):
        work.build_gallery(store, people, Plan("stars"), None, None)
