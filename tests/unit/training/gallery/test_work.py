"""What the commands of ``masquerade gallery`` do before and after a gallery is built."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from registry.errors import RegistryError
from registry.promotions import promote
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


def test_a_gallery_for_another_face_model_does_not_promise_to_serve(
    store: FolderStore, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MASQUERADE_MODELS__FACES", raising=False)
    for name, space in (("buffalo-l", "other-space"), ("dlib-faces", "test-space")):
        versions.publish(store, model=name, task="face-analysis", embedding_space=space)
    arguments = ["build", str(people), "--name", "stars", "--store", str(store.root), "--report", str(tmp_path / "out")]
    told = CliRunner().invoke(app, [*arguments, "--faces", "dlib-faces"], env={"COLUMNS": "200"}).output
    assert "buffalo-l@v1 finds the faces: it serves after a start with MASQUERADE_MODELS__FACES=dlib-faces" in told
    assert "serves after the next start" not in told


def test_a_gallery_that_somebody_decided_on_stays_until_the_new_one_is_promoted(
    store: FolderStore, people: Path, tmp_path: Path
) -> None:
    versions.publish(store, model="dlib-faces", task="face-analysis", embedding_space="test-space")
    arguments = ["build", str(people), "--name", "stars", "--store", str(store.root), "--report", str(tmp_path / "out")]
    CliRunner().invoke(app, arguments)
    promote(store, "stars", "v1", by="ada", why="it serves")
    told = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}).output
    assert "stars@v1 serves until: masquerade models promote stars@v2 --why …" in told
    assert "after the next start" not in told


def test_people_are_added_though_the_face_model_has_another_version_now(
    store: FolderStore, people: Path, tmp_path: Path
) -> None:
    versions.publish(store, model="dlib-faces", task="face-analysis", embedding_space="test-space")
    work.build_gallery(store, people, Plan("stars"), None, tmp_path / "report")
    versions.publish(store, model="dlib-faces", version="v2", task="face-analysis", embedding_space="test-space")
    shutil.rmtree(store.root / "dlib-faces" / "v1")
    work.add_people(store, people, "stars", tmp_path / "report")
    assert store.manifest("stars").input["embedder"] == "dlib-faces@v2"
    shutil.rmtree(store.root / "dlib-faces" / "v2")
    with pytest.raises(RegistryError, match=r"was built with dlib-faces@v2, which is gone.* models pull dlib-faces"):
        work.add_people(store, people, "stars", tmp_path / "report")


def test_adding_what_is_there_already_publishes_nothing(
    store: FolderStore, people: Path, tmp_path: Path, studio
) -> None:
    versions.publish(store, model="dlib-faces", task="face-analysis", embedding_space="test-space")
    work.build_gallery(store, people, Plan("stars"), None, tmp_path / "report")
    arguments = ["add", str(people), "--name", "stars", "--store", str(store.root), "--report", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert (result.exit_code, store.versions("stars")) == (0, ["v1"]), result.output
    assert "Nothing is new: stars@v1 stays as it is" in result.output
    studio.take(people / "Hedy" / "1.jpg", studio.face("Hedy"), seed=9)
    assert "Published stars@v2" in CliRunner().invoke(app, arguments, env={"COLUMNS": "200"}).output


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
