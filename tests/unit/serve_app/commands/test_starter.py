"""The sample gallery is built where none serves, and only then."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from registry.store import FolderStore
from serve_app.commands import starter
from tests import versions


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    monkeypatch.setattr(starter, "installed_samples", lambda store: ("a photo",))
    store = FolderStore(tmp_path / "models")
    versions.publish(store, model="dlib-faces", task="face-analysis", embedding_space="a")
    return store


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_the_sample_is_built_once_and_again_for_another_face_model(store: FolderStore, built: list[list[str]]) -> None:
    starter.ensure_gallery(store)
    assert len(built) == 1
    versions.publish(store, model="celebrities-sample", task="face-gallery", embedding_space="a")
    starter.ensure_gallery(store)
    assert len(built) == 1
    versions.publish(store, model="buffalo-l", task="face-analysis", embedding_space="b")
    starter.ensure_gallery(store)
    assert len(built) == 2


def test_a_setting_that_names_what_is_not_there_yet_keeps_nothing_from_being_pulled(
    store: FolderStore, built: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASQUERADE_MODELS__FACES", "buffalo-l")
    starter.ensure_gallery(store)
    assert built == []
