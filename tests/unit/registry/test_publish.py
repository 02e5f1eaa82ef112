"""An operator's own folder becomes a version: described by hashing what is there, copied, never moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import InvalidVersion, UnsafeFile
from registry.manifest import Description
from registry.publish import describe, publish_folder
from registry.store import FolderStore
from tests.versions import FREE, manifest_of


def description(**fields: object) -> Description:
    told = {"model": "net", "version": "v1", "task": "style", "format": "data"}
    return Description.model_validate({**told, "licence": FREE, **fields})


def test_all_files_below_the_folder_are_published(store: FolderStore, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "previews").mkdir(parents=True)
    (folder / "net.dat").write_bytes(b"abc")
    (folder / "previews" / "wave.jpg").write_bytes(b"jpg")
    published = publish_folder(store, describe(folder, description(input={"size": [8, 8]})), folder)
    assert [entry.name for entry in published.manifest.files] == ["net.dat", "previews/wave.jpg"]
    assert published.manifest.input == {"size": [8, 8]}
    assert store.verify("net").path("previews/wave.jpg").read_bytes() == b"jpg"
    assert (folder / "net.dat").read_bytes() == b"abc"


def test_an_old_manifest_in_the_folder_is_not_one_of_the_files(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "net.dat").write_bytes(b"abc")
    (tmp_path / "manifest.yaml").write_text("anything")
    assert [entry.name for entry in describe(tmp_path, description()).files] == ["net.dat"]


def test_an_empty_folder_is_no_version(tmp_path: Path) -> None:
    with pytest.raises(InvalidVersion, match="holds no files"):
        describe(tmp_path, description())


def test_a_pickle_is_not_published(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"abc")
    with pytest.raises(UnsafeFile, match="convert it to safetensors or ONNX"):
        publish_folder(store, describe(tmp_path, description()), tmp_path)
    assert store.models() == []


def test_a_file_that_vanished_since_is_named(store: FolderStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidVersion, match="gone.dat is missing from"):
        publish_folder(store, manifest_of({"gone.dat": b"x"}), tmp_path)


def test_a_link_to_a_file_is_published_as_the_file(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"abc")
    (folder := tmp_path / "mine").mkdir()
    (folder / "net.dat").symlink_to(tmp_path / "blob")
    assert publish_folder(store, describe(folder, description()), folder).path("net.dat").read_bytes() == b"abc"


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_a_link_to_a_folder_or_to_nothing_is_named_and_not_left_out(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder := tmp_path / "mine").mkdir()
    (folder / "net.dat").write_bytes(b"abc")
    (folder / "labels").symlink_to(tmp_path / target)
    with pytest.raises(InvalidVersion, match="mine/labels is no file, and no link to one"):
        describe(folder, description())


def test_a_file_the_manifest_does_not_list_is_named_and_not_left_out(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "net.dat").write_bytes(b"abc")
    manifest = describe(tmp_path, description())
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(InvalidVersion, match=r"report.json in .* is not in its manifest"):
        publish_folder(store, manifest, tmp_path)
    assert store.models() == []
