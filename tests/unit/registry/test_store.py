"""A folder store shows whole versions or none, in order, under names and aliases, and notices every change."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import BrokenVersion, InvalidVersion, UnknownModelVersion, VersionExists
from registry.manifest import Manifest
from registry.promotions import canary, promote
from registry.publish import publish_folder
from registry.references import natural
from registry.store import FolderStore
from tests.versions import manifest_of

Publish = Callable[..., Manifest]


def test_a_store_nobody_wrote_to_is_empty(store: FolderStore) -> None:
    assert store.models() == []
    assert store.versions("net") == []
    assert store.routing("net") is None
    assert store.audit("net") == []


def test_a_published_version_is_found_with_its_files(store: FolderStore, publish: Publish) -> None:
    publish({"net.dat": b"abc", "labels/en.txt": b"x"})
    version = store.get("net@v1")
    assert version.ref == "net@v1"
    assert version.path("net.dat").read_bytes() == b"abc"
    assert version.path("labels/en.txt").read_bytes() == b"x"
    with pytest.raises(KeyError, match=r"net@v1 has no file 'other.dat'"):
        version.path("other.dat")
    assert store.models() == ["net"]


def test_a_published_file_cannot_be_written_to_by_accident(store: FolderStore, publish: Publish) -> None:
    publish()
    assert store.get("net").path("weights.dat").stat().st_mode & 0o222 == 0


def test_versions_come_in_natural_order(store: FolderStore, publish: Publish) -> None:
    for version in ("v10", "v2", "v1", "2026.3"):
        publish(version=version)
    assert store.versions("net") == ["2026.3", "v1", "v2", "v10"]


@given(st.lists(st.from_regex(r"[a-z0-9][a-z0-9.-]{0,6}[a-z0-9]", fullmatch=True)))
def test_any_version_names_can_be_put_in_order(names: list[str]) -> None:
    once = sorted(names, key=natural)
    assert sorted(once, key=natural) == once


def test_a_bare_name_is_the_newest_version_until_one_is_promoted(store: FolderStore, publish: Publish) -> None:
    publish(version="v9")
    publish(version="v10")
    assert store.get("net").ref == "net@v10"
    promote(store, "net", "v9", by="ada", why="smaller")
    assert store.get("net").ref == "net@v9"


def test_an_alias_stands_for_a_version(store: FolderStore, publish: Publish) -> None:
    publish(version="v1")
    publish(version="v2")
    promote(store, "net", "v2", by="ada", why="better")
    publish(version="v3")
    canary(store, "net", "v3", 5, by="ada", why="better still?")
    named = {alias: store.resolve(f"net@{alias}") for alias in ("stable", "canary", "previous")}
    assert named == {"stable": ("net", "v2"), "canary": ("net", "v3"), "previous": ("net", "v1")}


def test_a_version_someone_removed_by_hand_is_named_with_its_alias(store: FolderStore, publish: Publish) -> None:
    publish(version="v1")
    publish(version="v2")
    promote(store, "net", "v2", by="ada", why="better")
    shutil.rmtree(store.root / "net" / "v2")
    with pytest.raises(UnknownModelVersion, match="alias stable"):
        store.get("net")
    assert store.get("net@v1").ref == "net@v1"


def test_what_is_said_of_a_version_is_known_without_its_files(store: FolderStore, publish: Publish) -> None:
    publish()
    (store.root / "net" / "v1" / "weights.dat").unlink()
    assert store.manifest("net").ref == "net@v1"


@pytest.mark.parametrize(
    "ref", ["other", "other@v1", "net@v3", "net@canary", "net@", "../net", "", "net/v1", ".staging"]
)
def test_a_reference_to_nothing_is_an_error_in_words(store: FolderStore, publish: Publish, ref: str) -> None:
    publish()
    with pytest.raises(UnknownModelVersion):
        store.get(ref)


def test_an_unknown_model_comes_with_the_command_that_fetches_it(store: FolderStore) -> None:
    with pytest.raises(UnknownModelVersion, match="masquerade models pull open-nsfw"):
        store.get("open-nsfw")


def test_a_folder_without_a_manifest_is_no_version(store: FolderStore, publish: Publish) -> None:
    publish()
    (store.root / "net" / "v2").mkdir()
    (store.root / "net" / "v2" / "weights.dat").touch()
    assert store.versions("net") == ["v1"]


# Publishing


def test_a_version_appears_only_when_complete(store: FolderStore) -> None:
    manifest = manifest_of({"a": b"1", "b": b"2"})
    with store.stage(manifest.ref) as staged:
        (staged / "a").write_bytes(b"1")
        with pytest.raises(InvalidVersion, match="b is missing"):
            store.publish(manifest, staged)
    assert store.models() == []


@pytest.mark.parametrize("delivered", [b"", b"weight", b"weights!", b"WEIGHTS"])
def test_files_that_are_not_what_the_manifest_says_are_not_published(store: FolderStore, delivered: bytes) -> None:
    manifest = manifest_of({"net.dat": b"weights"})
    with store.stage(manifest.ref) as staged:
        (staged / "net.dat").write_bytes(delivered)
        with pytest.raises(InvalidVersion, match="net.dat has"):
            store.publish(manifest, staged)
    assert store.models() == []


@pytest.mark.parametrize("intruder", ["pytorch_model.bin", "sub/extra.json", ".hidden"])
def test_a_file_nobody_vouches_for_is_not_published(store: FolderStore, intruder: str) -> None:
    manifest = manifest_of({"net.dat": b"weights"})
    with store.stage(manifest.ref) as staged:
        (staged / "net.dat").write_bytes(b"weights")
        (staged / intruder).parent.mkdir(exist_ok=True)
        (staged / intruder).touch()
        with pytest.raises(InvalidVersion, match="not in its manifest"):
            store.publish(manifest, staged)


def test_a_link_is_not_a_file(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"weights")
    manifest = manifest_of({"net.dat": b"weights"})
    with store.stage(manifest.ref) as staged:
        (staged / "net.dat").symlink_to(tmp_path / "secret")
        with pytest.raises(InvalidVersion, match="not a plain file"):
            store.publish(manifest, staged)


def test_a_version_may_be_an_algorithm_without_files(store: FolderStore, publish: Publish) -> None:
    publish({})
    assert store.verify("net").manifest.files == ()


def test_publishing_the_same_again_is_no_error(store: FolderStore, publish: Publish) -> None:
    publish(title="first")
    publish(title="second")
    assert store.get("net").manifest.title == "first"


def test_a_version_never_changes(store: FolderStore, publish: Publish) -> None:
    publish({"weights.dat": b"old"})
    with pytest.raises(VersionExists, match="publish under a new version"):
        publish({"weights.dat": b"new"})
    assert store.get("net").path("weights.dat").read_bytes() == b"old"


def test_something_else_in_the_way_is_left_alone(store: FolderStore, publish: Publish) -> None:
    (store.root / "net" / "v1").mkdir(parents=True)
    (store.root / "net" / "v1" / "notes.txt").write_text("mine")
    with pytest.raises(VersionExists, match="in the way"):
        publish()
    assert (store.root / "net" / "v1" / "notes.txt").read_text() == "mine"


def test_of_many_publishers_one_wins_and_the_others_hear_of_it(store: FolderStore, publish: Publish) -> None:
    def attempt(number: int) -> str:
        try:
            publish({"weights.dat": b"%d" % (number % 2)})
        except VersionExists:
            return "refused"
        return "published"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))
    # Four bring each content: the winner's twins find theirs there already.
    assert sorted(outcomes) == ["published"] * 4 + ["refused"] * 4
    store.verify("net@v1")


def test_readers_see_whole_versions_while_publishers_work(store: FolderStore, publish: Publish) -> None:
    reading, done = threading.Event(), threading.Event()

    def read() -> None:
        while not done.is_set():
            for version in store.versions("net"):
                store.verify(f"net@{version}")
                reading.set()

    def publish_one(number: int) -> None:
        publish({"a.dat": b"a" * 1000, "b.dat": b"b"}, version=f"v{number}")

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        try:
            publish_one(0)
            assert reading.wait(timeout=60)
            for number in range(1, 20):
                publish_one(number)
        finally:
            done.set()
        reader.result()


def test_a_full_disk_leaves_no_half_of_a_version_and_no_half_of_a_decision(
    store: FolderStore, publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.dat").write_bytes(b"new")

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "net.dat")

    with monkeypatch.context() as patched:
        patched.setattr("registry.publish.shutil.copyfile", full)
        with pytest.raises(OSError, match="No space left"):
            publish_folder(store, manifest_of({"net.dat": b"new"}, version="v2"), tmp_path / "mine")
    with monkeypatch.context() as patched:
        patched.setattr("registry.integrity.flush_to_disk", full)
        with pytest.raises(OSError, match="No space left"):
            promote(store, "net", "v1", by="ada", why="better")
    assert store.versions("net") == ["v1"]
    assert store.audit("net") == []
    assert list((store.root / ".staging").iterdir()) == []
    assert list((store.root / "net" / ".history").iterdir()) == []


def test_a_stage_is_gone_after_a_failure(store: FolderStore) -> None:
    with pytest.raises(KeyboardInterrupt), store.stage("net@v1") as staged:
        (staged / "half").write_bytes(b"x")
        raise KeyboardInterrupt
    assert list((store.root / ".staging").iterdir()) == []


def test_what_killed_publishers_left_is_swept_after_a_day(store: FolderStore) -> None:
    left = store.root / ".staging" / "net@v1-dead"
    fresh = store.root / ".staging" / "net@v1-alive"
    for folder in (left, fresh):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))
    with store.stage("net@v2"):
        pass
    assert not left.exists()
    assert fresh.exists()


def test_a_download_nobody_resumed_for_a_day_is_swept(store: FolderStore) -> None:
    left, fresh = store.downloads() / "left.part", store.downloads() / "fresh.part"
    for part in (left, fresh):
        part.touch()
    os.utime(left, (0, 0))
    assert list(store.downloads().iterdir()) == [fresh]


# Damage


@given(keep=st.integers(0, 999))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_a_truncated_file_is_noticed_without_hashing(store: FolderStore, publish: Publish, keep: int) -> None:
    publish({"weights.dat": bytes(1000)})
    path = store.root / "net" / "v1" / "weights.dat"
    path.chmod(0o644)
    path.write_bytes(bytes(keep))
    try:
        with pytest.raises(BrokenVersion, match=f"{keep:,} bytes instead of 1,000"):
            store.get("net")
    finally:
        store.discard("net@v1")


@given(position=st.integers(0, 999), value=st.integers(1, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_any_changed_byte_is_noticed_by_verify(store: FolderStore, publish: Publish, position: int, value: int) -> None:
    publish({"weights.dat": bytes(1000)})
    path = store.root / "net" / "v1" / "weights.dat"
    path.chmod(0o644)
    path.write_bytes(bytes(position) + bytes([value]) + bytes(999 - position))
    store.get("net")
    try:
        with pytest.raises(BrokenVersion, match="sha256") as caught:
            store.verify("net")
    finally:
        store.discard("net@v1")
    assert caught.value.manifest is not None


def test_a_missing_file_is_noticed(store: FolderStore, publish: Publish) -> None:
    publish()
    (store.root / "net" / "v1" / "weights.dat").unlink()
    with pytest.raises(BrokenVersion, match="weights.dat is missing. Remove .*net/v1 and pull"):
        store.get("net")


def test_a_file_slipped_in_is_noticed_by_verify(store: FolderStore, publish: Publish) -> None:
    publish()
    (store.root / "net" / "v1" / "pytorch_model.bin").touch()
    with pytest.raises(BrokenVersion, match="pytorch_model.bin is not in its manifest"):
        store.verify("net")


def test_a_version_copied_to_another_name_is_broken(store: FolderStore, publish: Publish) -> None:
    publish()
    (store.root / "net" / "v1").rename(store.root / "net" / "v2")
    with pytest.raises(BrokenVersion, match="holds the manifest of net@v1"):
        store.get("net@v2")


@pytest.mark.parametrize("text", ["", "]", "model: net", "\x00"])
def test_an_unreadable_manifest_is_a_broken_version(store: FolderStore, publish: Publish, text: str) -> None:
    publish()
    path = store.root / "net" / "v1" / "manifest.yaml"
    path.chmod(0o644)
    path.write_text(text)
    with pytest.raises(BrokenVersion, match="manifest of net@v1 cannot be read"):
        store.get("net")


def test_a_pickle_copied_in_by_hand_does_not_verify(store: FolderStore, publish: Publish) -> None:
    # Published honestly as data, then swapped together with its manifest: hashes agree, the content is still refused.
    publish({"weights.dat": b"weights"})
    folder = store.root / "net" / "v1"
    evil = b"\x80\x04\x95\x00."
    text = (folder / "manifest.yaml").read_text()
    text = text.replace(hashlib.sha256(b"weights").hexdigest(), hashlib.sha256(evil).hexdigest())
    text = text.replace("size: 7", f"size: {len(evil)}")
    for name, data in (("manifest.yaml", text.encode()), ("weights.dat", evil)):
        (folder / name).chmod(0o644)
        (folder / name).write_bytes(data)
    with pytest.raises(BrokenVersion, match="pickle"):
        store.verify("net")
