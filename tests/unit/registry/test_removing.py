"""A version is removed as a whole, or stays in its place."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.collection import judge
from registry.errors import InUse, RegistryError, StoreUnavailable, UnknownModelVersion
from registry.manifest import Manifest
from registry.store import FolderStore

Publish = Callable[..., Manifest]


def test_a_discarded_version_is_gone_as_a_whole(store: FolderStore, publish: Publish) -> None:
    publish(version="v1")
    publish(version="v2")
    store.discard("net@v2")
    assert store.versions("net") == ["v1"]
    assert list((store.root / ".staging").iterdir()) == []


def test_a_version_somebody_objects_to_removing_outlives_the_sweep_that_finds_it_out_of_its_place(
    store: FolderStore, publish: Publish
) -> None:
    publish()
    os.utime(store.root / "net" / "v1", (0, 0))

    def object_after_a_sweep() -> str:
        store.sweep()
        return "held by replica"

    with pytest.raises(InUse, match="net@v1 is held by replica"):
        store.discard("net@v1", veto=object_after_a_sweep)
    store.verify("net@v1")


def test_a_version_is_put_back_when_nobody_can_say_whether_it_is_in_use(store: FolderStore, publish: Publish) -> None:
    publish()

    def fail() -> str:
        raise RegistryError("its history cannot be read")

    with pytest.raises(RegistryError, match="history cannot be read"):
        store.discard("net@v1", veto=fail)
    store.verify("net@v1")


def test_a_version_that_is_published_again_before_it_can_be_put_back_stays_as_it_is(
    store: FolderStore, publish: Publish
) -> None:
    publish()

    def object_after_it_is_published_again() -> str:
        publish()
        return "held by replica"

    with pytest.raises(InUse, match="net@v1 is held by replica"):
        store.discard("net@v1", veto=object_after_it_is_published_again)
    store.verify("net@v1")
    assert list((store.root / ".staging").iterdir()) == []


class Hindsight(FolderStore):
    """Somebody else takes the version away between the look at its name and the look at its files."""

    def resolve(self, ref: str) -> tuple[str, str]:
        found = super().resolve(ref)
        FolderStore(self.root).discard(ref)
        return found


def test_a_version_two_people_remove_at_once_is_unknown_to_the_second(store: FolderStore, publish: Publish) -> None:
    publish()
    with pytest.raises(UnknownModelVersion):
        Hindsight(store.root).discard("net@v1")


@pytest.mark.parametrize("look", [FolderStore.get, FolderStore.verify])
def test_a_version_removed_while_it_is_read_is_unknown_and_not_damaged(
    store: FolderStore, publish: Publish, monkeypatch: pytest.MonkeyPatch, look: Callable[[FolderStore, str], object]
) -> None:
    publish()

    def removed_by_now(path: Path, *_: object, **__: object) -> str | None:
        FolderStore(store.root).discard("net@v1")
        return f"{path.name} is missing"

    monkeypatch.setattr("registry.store.mismatch", removed_by_now)
    with pytest.raises(UnknownModelVersion, match="net is not in"):
        look(store, "net@v1")


def test_nothing_is_judged_while_nobody_can_say_what_the_settings_name(
    store: FolderStore, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(version="v1")
    publish(version="v2")
    resolve = store.resolve

    def away(ref: str) -> tuple[str, str]:
        if ref == "net@previous":
            raise StoreUnavailable("s3://models cannot be reached.")
        return resolve(ref)

    assert judge(store, pinned=["net@previous"])[0].kept is None, "what leads nowhere is passed over"
    monkeypatch.setattr(store, "resolve", away)
    with pytest.raises(StoreUnavailable):
        judge(store, pinned=["net@previous"])
