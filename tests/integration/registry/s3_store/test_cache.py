"""A machine's cache of a bucket: one download for all, nothing damaged, room for what is in use."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from drills.faulty_proxy import Fault, FaultyProxy
from registry.errors import RegistryError
from registry.integrity import mismatch
from registry.leases import Lease
from registry.manifest import ModelFile
from registry.opening import StoreAddress
from registry.store import FolderStore, Store
from tests.integration.registry.s3_store.content import LARGE, ROOT, cache_in, versions_in
from tests.versions import publish

boto3 = pytest.importorskip("boto3")

from registry.s3 import transfers


def test_many_who_want_a_version_at_once_fetch_it_once(at: Callable[..., Store], network: FaultyProxy) -> None:
    publish(at("a"), {"net.dat": LARGE})
    before = network.delivered
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: at("b").get("net@v1").folder, range(6)))
    assert len(set(found)) == 1
    assert network.delivered - before < len(LARGE) * 3 // 2


FETCH = """
import sys
from pathlib import Path
from registry.opening import StoreAddress
StoreAddress("s3://models/studio", Path(sys.argv[1])).open().verify("net@v1")
"""


def test_several_processes_of_a_machine_fetch_once(
    at: Callable[..., Store], network: FaultyProxy, tmp_path: Path
) -> None:
    publish(at("a"), {"net.dat": LARGE})
    before = network.delivered
    command = [sys.executable, "-c", FETCH, str(tmp_path / "cache-b")]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert network.delivered - before < len(LARGE) * 3 // 2


def test_a_process_killed_while_it_fetches_leaves_what_it_has_to_the_next(
    at: Callable[..., Store], network: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the other process has them.
    monkeypatch.setattr(transfers, "BLOCK", 2**20)
    monkeypatch.setattr(transfers, "PIECE", 8 * 2**20)
    data = os.urandom(4 * len(LARGE))
    publish(at("a"), {"net.dat": data})
    network.befall([None, None, *[Fault(delay_s=0.02)] * 50])
    before = network.delivered
    killed = subprocess.Popen([sys.executable, "-c", FETCH, str(tmp_path / "cache-b")], cwd=ROOT)
    while network.delivered - before < len(data) // 2 and killed.poll() is None:
        threading.Event().wait(0.01)
    killed.kill()
    killed.wait()
    assert versions_in(tmp_path / "cache-b") == set()
    network.befall(())
    middle = network.delivered
    assert at("b").verify("net@v1").path("net.dat").read_bytes() == data
    assert network.delivered - middle < len(data) * 3 // 4
    assert list((cache_in(tmp_path / "cache-b") / ".downloads").iterdir()) == []


def test_a_copy_that_rots_on_this_machine_is_fetched_anew(at: Callable[..., Store]) -> None:
    publish(at("a"), {"net.dat": LARGE})
    path = at("b").get("net@v1").path("net.dat")
    path.chmod(0o644)
    path.write_bytes(LARGE[::-1])
    assert at("b").verify("net@v1").path("net.dat").read_bytes() == LARGE
    path.chmod(0o644)
    path.write_bytes(b"short")
    assert at("b").get("net@v1").path("net.dat").read_bytes() == LARGE


def test_the_cache_forgets_what_was_used_longest_ago_and_keeps_what_is_held(
    at: Callable[..., Store], tmp_path: Path
) -> None:
    for number in range(4):
        publish(at("a"), {"net.dat": bytes([number]) * 1_000_000}, version=f"v{number}")
    store = at("b", 3_200_000)
    with Lease(store, "replica") as lease:
        lease.hold(["net@v0"])
        for number in (0, 1, 2):
            store.get(f"net@v{number}")
        os.utime(cache_in(tmp_path / "cache-b") / ".used" / "net@v0", (1, 1))
        os.utime(cache_in(tmp_path / "cache-b") / ".used" / "net@v2", (2, 2))
        store.get("net@v3")
    assert versions_in(tmp_path / "cache-b") == {"net@v0", "net@v1", "net@v3"}


def test_a_cache_full_of_what_is_in_use_says_so_and_stays_as_it_is(at: Callable[..., Store], tmp_path: Path) -> None:
    for number in range(2):
        publish(at("a"), {"net.dat": bytes([number]) * 1_000_000}, version=f"v{number}")
    store = at("b", 1_500_000)
    with Lease(store, "replica") as lease:
        lease.hold(["net@v0"])
        store.get("net@v0")
        with pytest.raises(RegistryError, match="net@v1 does not fit .*MASQUERADE_MODELS_CACHE_GB"):
            store.get("net@v1")
    assert versions_in(tmp_path / "cache-b") == {"net@v0"}
    assert list((cache_in(tmp_path / "cache-b") / ".downloads").iterdir()) == []


def test_a_version_the_cache_forgets_while_it_is_hashed_is_fetched_anew(
    at: Callable[..., Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(at("a"))
    store = at("b")
    store.get("net@v1")

    with monkeypatch.context() as patched:

        def forgotten_by_now(path: Path, entry: ModelFile, *, hashed: bool = True) -> str | None:
            if hashed:
                patched.undo()
                FolderStore(cache_in(tmp_path / "cache-b")).discard("net@v1")
            return mismatch(path, entry, hashed=hashed)

        patched.setattr("registry.store.mismatch", forgotten_by_now)
        assert store.verify("net@v1").path("weights.dat").read_bytes() == b"weights"


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite"])
def test_a_full_disk_is_named_and_given_back(
    at: Callable[..., Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    publish(at("a"), {"net.dat": LARGE})

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(RegistryError, match="disk of the cache .* is full: net@v1 takes 2.1 MB"):
            at("b").get("net@v1")
    assert versions_in(tmp_path / "cache-b") == set()
    assert list((cache_in(tmp_path / "cache-b") / ".downloads").iterdir()) == []
    at("b").verify("net@v1")


def test_two_stores_with_one_cache_folder_never_take_each_others_versions(
    at: Callable[..., Store], tmp_path: Path
) -> None:
    for prefix in ("staging", "production"):
        publish(StoreAddress(f"s3://models/{prefix}", tmp_path / prefix).open(), {"net.dat": prefix.encode()})
    seen = [StoreAddress(f"s3://models/{prefix}", tmp_path / "cache-b").open() for prefix in ("staging", "production")]
    assert [store.verify("net@v1").path("net.dat").read_bytes() for store in seen] == [b"staging", b"production"]
