"""People's photos in a folder: nobody else's to read, and gone when their time is over."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deployments.errors import Unavailable
from serve_app.objects import FolderObjects, new_key, open_objects
from serve_app.settings import Settings


def test_a_sweep_is_not_broken_off_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects, keys = FolderObjects(tmp_path), sorted(new_key("in") for _ in range(4))
    for key in keys:
        objects.put(key, b"a photo")
    is_file = Path.is_file
    taken: list[Path] = []

    def meanwhile(path: Path) -> bool:
        found = is_file(path)
        if found and len(taken) < 2:
            taken.append(path)
            path.unlink()
        return found

    monkeypatch.setattr(Path, "is_file", meanwhile)
    assert objects.sweep(time.time() + 60) == 2
    for key in keys:
        with pytest.raises(KeyError):
            objects.get(key)


def test_a_photo_that_could_not_be_stored_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="right now") as refused:
        FolderObjects(tmp_path).put(new_key("in"), b"a photo")
    assert refused.value.details["retry_after"] > 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_used_is_away_and_what_was_there_is_not_called_gone(tmp_path: Path) -> None:
    key = new_key("in")
    kind, name = key.split("/")
    (tmp_path / kind).mkdir()
    (tmp_path / kind / name[:2]).touch()
    objects = FolderObjects(tmp_path)
    for ask in (objects.get, objects.size, lambda key: objects.put(key, b"a photo"), lambda key: objects.delete([key])):
        with pytest.raises(Unavailable, match="right now"):
            ask(key)


def test_a_photo_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    FolderObjects(tmp_path).put(new_key("in"), b"a photo")
    (photo,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert [path.stat().st_mode & 0o777 for path in (photo, photo.parent)] == [0o600, 0o700]


def test_one_stores_sweep_leaves_the_other_stores_alone(tmp_path: Path) -> None:
    photos, faces = (open_objects(Settings(data_dir=tmp_path), name) for name in ("objects", "bot-faces"))
    key = new_key("in")
    faces.put(key, b"a face to keep")
    assert photos.sweep(time.time() + 60) == 0
    assert faces.get(key) == b"a face to keep"
