"""A pull ends with a whole version in the store or with none, and holds every later pull to what the first one got."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.errors import FetchFailed, LicenceNotAccepted, UnsafeFile, VersionExists
from registry.manifest import Licence, Manifest, ModelFile, UrlSource
from registry.pull import pull
from registry.recipe import Recipe
from registry.store import FolderStore

MIT = Licence(name="MIT", commercial_use=True)


@pytest.fixture
def entry(server: Any) -> Manifest:
    source = UrlSource(url=server.url())
    file = ModelFile(name="sub/net.dat", sha256=server.sha256, size=len(server.content), sources=(source,))
    return Manifest(model="net", version="v1", task="style", format="data", files=(file,), licence=MIT)


@pytest.fixture
def recipe(server: Any) -> Callable[..., Recipe]:
    def make(name: str = "net.dat", **fields: Any) -> Recipe:
        files = [{"name": name, "sources": [{"kind": "url", "url": server.url()}], "max_mb": 10}]
        told = {"model": "net", "version": "v1", "task": "style", "format": "data", "files": files, "licence": MIT}
        return Recipe.model_validate({**told, **fields})

    return make


def leftovers(store: FolderStore) -> list[str]:
    return [path.name for folder in (".staging", ".downloads") for path in (store.root / folder).iterdir()]


def test_a_pulled_version_is_in_the_store(store: FolderStore, entry: Manifest, server: Any) -> None:
    pulled = pull(store, entry)
    assert pulled.fetched
    assert store.verify("net@v1").path("sub/net.dat").read_bytes() == server.content
    assert leftovers(store) == []


def test_a_second_pull_asks_nobody(store: FolderStore, entry: Manifest, server: Any) -> None:
    pull(store, entry)
    assert not pull(store, entry).fetched
    assert len(server.requests) == 1


def test_an_interrupted_pull_leaves_no_version_and_is_resumed(store: FolderStore, entry: Manifest, server: Any) -> None:
    def press_ctrl_c(label: str, done: int, total: int | None) -> None:
        if done > len(server.content) // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(store, entry, progress=press_ctrl_c)
    assert store.models() == []
    assert list((store.root / ".staging").iterdir()) == []
    pull(store, entry)
    assert server.requests[-1] is not None
    store.verify("net")
    assert leftovers(store) == []


def test_a_tampered_delivery_never_becomes_a_version(store: FolderStore, entry: Manifest, server: Any) -> None:
    server.content = server.content[::-1]
    with pytest.raises(FetchFailed):
        pull(store, entry)
    assert store.models() == []


def test_a_damaged_version_is_repaired(store: FolderStore, entry: Manifest, server: Any) -> None:
    pull(store, entry)
    path = store.get("net").path("sub/net.dat")
    path.chmod(0o644)
    path.write_bytes(bytes(len(server.content)))
    assert pull(store, entry).fetched
    store.verify("net")


def test_other_content_under_the_same_name_is_left_alone(store: FolderStore, entry: Manifest, server: Any) -> None:
    pull(store, entry)
    with pytest.raises(VersionExists, match="remove .*net/v1 to pull it afresh"):
        pull(store, entry.model_copy(update={"input": {"size": [8, 8]}}))
    assert not pull(store, entry.model_copy(update={"title": "in other words"})).fetched


def test_a_licence_that_wants_consent_gets_it_before_anything_is_fetched(
    store: FolderStore, recipe: Callable[..., Recipe], server: Any
) -> None:
    strict = Licence(name="Research-Only", commercial_use=False, url="https://example.org/terms", accept=True)
    with pytest.raises(LicenceNotAccepted, match="Research-Only .*--accept-licence"):
        pull(store, recipe(licence=strict))
    assert server.requests == []
    pull(store, recipe(licence=strict), accept_licence=True)
    # Accepted once, it is not asked for again.
    assert not pull(store, recipe(licence=strict)).fetched


def test_the_first_pull_of_a_recipe_records_what_it_got(
    store: FolderStore, recipe: Callable[..., Recipe], server: Any
) -> None:
    pulled = pull(store, recipe(input={"size": [8, 8]}))
    (file,) = pulled.version.manifest.files
    assert (file.sha256, file.size) == (server.sha256, len(server.content))
    assert file.sources == (UrlSource(url=server.url()),)
    assert pulled.version.manifest.input == {"size": [8, 8]}


def test_a_repair_must_bring_what_the_first_pull_recorded(
    store: FolderStore, recipe: Callable[..., Recipe], server: Any
) -> None:
    pull(store, recipe())
    store.get("net").path("net.dat").unlink()
    server.content = server.content[::-1]
    with pytest.raises(FetchFailed, match="other content"):
        pull(store, recipe())
    assert store.models() == []


def test_a_recipe_is_not_a_way_in_for_pickles(store: FolderStore, recipe: Callable[..., Recipe], server: Any) -> None:
    server.content = b"\x80\x04\x95\x10."
    with pytest.raises(UnsafeFile, match="pickle"):
        pull(store, recipe())
    assert store.models() == []
    assert leftovers(store) == []


def test_a_zip_of_several_networks_becomes_one_version(store: FolderStore, server: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("a.dat", "b.dat"):
            archive.writestr(f"pack/{name}", name.encode())
    server.content = buffer.getvalue()
    files = [
        {"name": name, "sources": [{"kind": "url", "url": server.url(), "member": name}], "max_mb": 1}
        for name in ("a.dat", "b.dat")
    ]
    told = {"model": "pack", "version": "v1", "task": "face-analysis", "format": "data", "licence": MIT}
    version = pull(store, Recipe.model_validate({**told, "files": files})).version
    assert [file.sha256 for file in version.manifest.files] == [
        hashlib.sha256(name.encode()).hexdigest() for name in ("a.dat", "b.dat")
    ]
    assert len(server.requests) == 1
    assert leftovers(store) == []


def test_a_store_that_cannot_be_written_to_is_an_operating_system_error(entry: Manifest, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        pull(FolderStore(tmp_path / "file"), entry)
