"""A cache makes room, and leaves what is held."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from registry.cache import Cache
from registry.errors import RegistryError
from registry.leases import TTL, Held, Lease
from registry.manifest import Manifest
from registry.store import FolderStore

Publish = Callable[..., Manifest]


def test_a_cache_that_makes_room_leaves_what_is_held_in_its_place_all_the_time(
    store: FolderStore, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    cache, seen = Cache(store.root, 0), []
    leases = cache.folder.leases

    def look() -> list[Held]:
        seen.append(store.versions("net"))
        return leases()

    monkeypatch.setattr(cache.folder, "leases", look)
    with Lease(store, "replica") as lease:
        lease.hold(["net@v1"])
        with pytest.raises(RegistryError, match="does not fit"):
            cache.make_room("net@v2")
    assert seen == [["v1"]]


def test_a_cache_that_makes_room_forgets_the_leases_of_the_dead(store: FolderStore) -> None:
    """Nobody collects garbage on every machine."""
    store.hold(Held("killed", ("net@v1",), datetime.now(UTC) - 2 * TTL))
    Cache(store.root, 10**9).make_room("net@v2")
    assert list((store.root / ".leases").iterdir()) == []


def test_a_cache_forgets_nothing_that_is_held_while_it_is_being_moved_away(
    store: FolderStore, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    cache = Cache(store.root, 0)
    cache.limit = cache.size() - 1
    discard = cache.folder.discard
    with Lease(store, "replica") as lease:

        def held_by_now(ref: str, *, veto: Callable[[], str | None]) -> None:
            lease.hold([ref])
            discard(ref, veto=veto)

        monkeypatch.setattr(cache.folder, "discard", held_by_now)
        with pytest.raises(RegistryError, match="does not fit"):
            cache.make_room("net@v2")
    store.verify("net@v1")


def test_a_cache_is_measured_while_folders_come_and_go(store: FolderStore, publish: Publish) -> None:
    publish()
    cache, done = Cache(store.root, 10**9), threading.Event()

    def churn() -> None:
        while not done.is_set():
            with store.stage("net@v2") as staged:
                (staged / "a" / "b").mkdir(parents=True)

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(churn) for _ in range(2)]
        try:
            sizes = {cache.size() for _ in range(300)}
        finally:
            done.set()
        for worker in workers:
            worker.result()
    assert sizes == {sum(path.stat().st_size for path in (store.root / "net" / "v1").iterdir())}


def test_a_cache_forgets_nothing_for_a_version_that_would_not_fit_all_the_same(
    store: FolderStore, publish: Publish
) -> None:
    publish()
    cache = Cache(store.root, store_bytes := Cache(store.root, 0).size())
    with pytest.raises(RegistryError, match="net@v2 does not fit"), cache.room("net@v2", lambda: 2 * store_bytes):
        pass
    store.verify("net@v1")


def test_what_an_interrupted_download_left_makes_room_before_any_version_unless_it_is_being_fetched(
    store: FolderStore, publish: Publish
) -> None:
    publish()
    cache = Cache(store.root, Cache(store.root, 0).size() + 1000)
    left, moving = (store.downloads() / f"big@{version}-0-{'0' * 64}.part" for version in ("v1", "v2"))
    for part in (left, moving):
        part.write_bytes(bytes(450))
    with cache.fetching("big@v2"), cache.room("net@v2", lambda: 500):
        assert not left.exists()
        assert moving.exists()
    store.verify("net@v1")
