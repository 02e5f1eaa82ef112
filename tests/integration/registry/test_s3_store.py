"""A store in a bucket: whole versions or none, one download per machine, one winner per decision."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from drills.faulty_proxy import Fault, FaultyProxy
from registry.collection import remove
from registry.errors import (
    BrokenVersion,
    Conflict,
    InUse,
    InvalidVersion,
    RegistryError,
    StoreUnavailable,
    UnknownModelVersion,
    UnsafeFile,
    VersionExists,
)
from registry.integrity import mismatch
from registry.leases import Held, Lease
from registry.manifest import Licence, Manifest, ModelFile
from registry.opening import open_store
from registry.promotions import canary, promote, rollback
from registry.references import next_version
from registry.routing import AuditEntry, Routing
from registry.store import FolderStore, Store
from serve_app.commands.models import app

boto3 = pytest.importorskip("boto3")

from registry.s3 import client as s3_client  # noqa: E402
from registry.s3 import transfers  # noqa: E402

ROOT = Path(__file__).parents[3]
LARGE = bytes(range(256)) * 8192  # 2 MiB
BY = {"by": "ada", "why": "better"}

Publish = Callable[..., Manifest]


@pytest.fixture
def network(endpoint: str, s3_credentials: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """The way to the server, which can be made as bad as a test wants it; and an impatient client."""
    monkeypatch.setattr(transfers, "_FIRST_PAUSE_S", 0)
    monkeypatch.setattr(transfers, "PIECE", 256 * 1024)
    monkeypatch.setattr(transfers, "BLOCK", 64 * 1024)
    monkeypatch.setattr(s3_client, "READ_TIMEOUT_S", 1.0)
    with FaultyProxy(endpoint) as proxy:
        for name, value in {
            "AWS_ENDPOINT_URL": proxy.address,
            "AWS_MAX_ATTEMPTS": "2",
            "no_proxy": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture
def bucket(endpoint: str, network: FaultyProxy) -> Iterator[Any]:
    """A client that reaches the server without the network's troubles, and an empty bucket."""
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="models")
    yield client
    for found in client.list_objects_v2(Bucket="models").get("Contents", ()):
        client.delete_object(Bucket="models", Key=found["Key"])
    for upload in client.list_multipart_uploads(Bucket="models").get("Uploads", ()):
        client.abort_multipart_upload(Bucket="models", Key=upload["Key"], UploadId=upload["UploadId"])


@pytest.fixture
def at(bucket: Any, tmp_path: Path) -> Callable[..., Store]:
    """The same store seen from several machines, each with a cache of its own."""
    return lambda node="a", limit=2**30: open_store("s3://models/studio", tmp_path / f"cache-{node}", limit)


def manifest_of(files: dict[str, bytes], model: str = "net", version: str = "v1", **fields: Any) -> Manifest:
    entries = tuple(
        ModelFile(name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data)) for name, data in files.items()
    )
    told = {"task": "style", "format": "data", "licence": Licence(name="MIT", commercial_use=True)}
    return Manifest.model_validate({"model": model, "version": version, "files": entries, **told, **fields})


def publish(store: Store, files: dict[str, bytes] | None = None, **fields: Any) -> Manifest:
    content = {"weights.dat": b"weights"} if files is None else files
    manifest = manifest_of(content, **fields)
    with store.stage(manifest.ref) as staged:
        for name, data in content.items():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).write_bytes(data)
        store.publish(manifest, staged)
    return manifest


def keys(bucket: Any) -> list[str]:
    return [found["Key"] for found in bucket.list_objects_v2(Bucket="models").get("Contents", ())]


def grow_old() -> None:
    """Make everything that is in the bucket as old as the server's memory goes."""
    from moto.backends import get_backend
    from moto.core import DEFAULT_ACCOUNT_ID

    for found in get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"].buckets["models"].keys.values():
        found.last_modified = datetime(2010, 1, 1)


def versions_in(folder: Path) -> set[str]:
    return {f"{path.parts[-3]}@{path.parts[-2]}" for path in folder.glob("*/*/manifest.yaml")}


# Publishing and finding


def test_an_empty_bucket_is_an_empty_store(at: Callable[..., Store]) -> None:
    store = at()
    assert (store.models(), store.versions("net"), store.routing("net"), store.audit("net")) == ([], [], None, [])
    with pytest.raises(UnknownModelVersion, match="net is not in s3://models/studio"):
        store.get("net")


def test_what_one_machine_publishes_another_finds(at: Callable[..., Store]) -> None:
    files = {"net.dat": LARGE, "labels/en.txt": b"x", "labels/de.txt": b"x", "empty.txt": b""}
    publish(at("a"), files)
    there = at("b")
    assert there.models() == ["net"]
    assert there.manifest("net").ref == "net@v1"
    version = there.verify("net")
    assert {name: version.path(name).read_bytes() for name in files} == files


def test_versions_come_in_natural_order(at: Callable[..., Store]) -> None:
    for version in ("v10", "v2", "v1"):
        publish(at(), version=version)
    assert at("b").versions("net") == ["v1", "v2", "v10"]
    assert at("b").resolve("net") == ("net", "v10")


def test_a_version_never_changes_and_publishing_it_again_is_no_error(at: Callable[..., Store]) -> None:
    publish(at("a"))
    publish(at("b"))
    with pytest.raises(VersionExists, match="versions never change"):
        publish(at("c"), {"weights.dat": b"other"})
    assert at("d").get("net").path("weights.dat").read_bytes() == b"weights"


def test_what_is_not_fit_to_publish_leaves_nothing_in_the_bucket(at: Callable[..., Store], bucket: Any) -> None:
    with pytest.raises(UnsafeFile, match="pickle"):
        publish(at(), {"weights.dat": b"\x80\x04\x95\x00."})
    store, manifest = at(), manifest_of({"a": b"1", "b": b"2"})
    with store.stage(manifest.ref) as staged:
        (staged / "a").write_bytes(b"1")
        with pytest.raises(InvalidVersion, match="b is missing"):
            store.publish(manifest, staged)
    assert keys(bucket) == []


def test_of_two_who_publish_other_content_under_one_name_one_wins_whole(
    at: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = at("a"), at("b")
    create = first._bucket.create  # type: ignore[attr-defined]

    def overtaken(key: str, data: bytes) -> bool:
        monkeypatch.setattr(first._bucket, "create", create)  # type: ignore[attr-defined]
        publish(second, {"weights.dat": b"second"})
        return bool(create(key, data))

    monkeypatch.setattr(first._bucket, "create", overtaken)  # type: ignore[attr-defined]
    with pytest.raises(VersionExists):
        publish(first, {"weights.dat": b"first"})
    assert at("c").verify("net").path("weights.dat").read_bytes() == b"second"


def test_a_large_upload_goes_on_where_it_was_interrupted(
    at: Callable[..., Store], bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(12 * 2**20)
    monkeypatch.setattr(transfers, "PART", 5 * 2**20)
    monkeypatch.setattr(transfers, "_THREADS", 1)
    store = at()

    def press_ctrl_c(label: str, done: int, total: int | None) -> None:
        if done > 6 * 2**20:
            raise KeyboardInterrupt

    store.progress = press_ctrl_c  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        publish(store, {"net.dat": data})
    assert at("b").versions("net") == []
    seen: list[int] = []
    sent: list[int] = []
    client = store._bucket.client  # type: ignore[attr-defined]
    client.meta.events.register("before-call.s3.UploadPart", lambda params, **_: sent.append(len(params["body"])))
    store.progress = lambda label, done, total: seen.append(done)  # type: ignore[attr-defined]
    publish(store, {"net.dat": data})
    assert seen[-1] == len(data)
    assert sum(sent) < len(data)
    assert at("b").verify("net").path("net.dat").read_bytes() == data
    assert bucket.list_multipart_uploads(Bucket="models").get("Uploads", []) == []
    # Once there, it is recognised by its tag and not sent again.
    sent.clear()
    publish(store, {"net.dat": data})
    assert sent == []


def test_an_upload_nobody_takes_up_again_is_given_up(at: Callable[..., Store], bucket: Any) -> None:
    bucket.create_multipart_upload(Bucket="models", Key="studio/net/v1/files/abc")
    # This server says of every upload that it began in 2010.
    at().sweep()
    assert bucket.list_multipart_uploads(Bucket="models").get("Uploads", []) == []


def test_files_of_a_publication_nobody_takes_up_again_are_swept_and_nothing_else_is(
    at: Callable[..., Store], bucket: Any
) -> None:
    publish(at("a"), {"a.dat": b"a", "b.dat": b"b", "c.dat": b"c"})
    digest = "0" * 64
    for key in (f"net/v2/files/{digest}", f"net/v2/files/{digest[1:]}1", "papers/2010/files/letter.txt"):
        bucket.put_object(Bucket="models", Key=f"studio/{key}", Body=b"old")
    grow_old()
    bucket.put_object(Bucket="models", Key=f"studio/net/v3/files/{digest}", Body=b"new")
    before, store = keys(bucket), at("b")
    client = store._bucket.client  # type: ignore[attr-defined]
    client.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: params | {"MaxKeys": 2})
    store.sweep()
    assert keys(bucket) == [key for key in before if not key.startswith("studio/net/v2/")]
    assert len(keys(bucket)) == len(before) - 2


def test_a_publication_that_is_taken_up_again_keeps_its_old_files_while_somebody_sweeps(
    at: Callable[..., Store], bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = at("a")
    create = store._bucket.create  # type: ignore[attr-defined]

    def press_ctrl_c(key: str, data: bytes) -> bool:
        raise KeyboardInterrupt

    def swept_by_somebody(key: str, data: bytes) -> bool:
        at("b").sweep()
        return bool(create(key, data))

    monkeypatch.setattr(store._bucket, "create", press_ctrl_c)  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        publish(store)
    grow_old()
    monkeypatch.setattr(store._bucket, "create", swept_by_somebody)  # type: ignore[attr-defined]
    publish(store)
    at("c").verify("net@v1")
    assert at("c").leases() == []


# Deciding


def test_decisions_are_seen_everywhere_with_their_reasons(at: Callable[..., Store]) -> None:
    for version in ("v1", "v2", "v3"):
        publish(at("a"), version=version)
    promote(at("a"), "net", "v1", **BY)
    reader = at("b")
    assert reader.resolve("net") == ("net", "v1")
    canary(at("a"), "net", "v3", 5, **BY)
    rollback(at("a"), "net", by="watchdog", why="12 % errors")
    assert reader.routing("net") == Routing("v1", previous="v3")
    assert [(entry.who, entry.action, entry.version) for entry in reader.audit("net")] == [
        ("ada", "promote", "v1"),
        ("ada", "canary", "v3"),
        ("watchdog", "rollback", "v3"),
    ]


def test_of_two_engineers_who_promote_at_once_one_wins_and_the_other_is_told(
    at: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("v1", "v2", "v3"):
        publish(at("a"), version=version)
    first, second = at("a"), at("b")
    create = first._bucket.create  # type: ignore[attr-defined]

    def overtaken(key: str, data: bytes) -> bool:
        promote(second, "net", "v2", by="grace", why="sharper")
        return bool(create(key, data))

    monkeypatch.setattr(first._bucket, "create", overtaken)  # type: ignore[attr-defined]
    with pytest.raises(Conflict, match=r"grace, .* promote v2 \(sharper\); it is now v2"):
        promote(first, "net", "v1", **BY)
    assert at("c").routing("net") == Routing("v2", previous="v3")
    assert len(at("c").audit("net")) == 1


def test_a_decision_whose_answer_was_lost_on_the_way_is_no_conflict_with_itself(
    at: Callable[..., Store], network: FaultyProxy
) -> None:
    store = at()
    publish(store)
    promote(store, "net", "v1", **BY)
    publish(store, {"weights.dat": b"2"}, version="v2")
    seen = store.routing("net")
    # The server acts on every request of this connection, and its answers never arrive.
    network.vanish()
    network.reappear()
    store.versions("net")
    entry = AuditEntry(datetime.now(UTC), "ada", "net", "promote", "v2", seen, Routing("v2", previous="v1"), "better")
    client = store._bucket.client  # type: ignore[attr-defined]
    lost: list[str] = []

    def lose(params: dict[str, Any], **_: Any) -> None:
        if "/.history/" in params["url"] and not lost:
            lost.append(params["url"])
            network.befall([Fault(after=1, reset=True)])
            network.vanish()
            network.reappear()

    client.meta.events.register("before-call.s3.PutObject", lose)
    store.change(entry)
    assert len(lost) == 1
    assert at("b").audit("net")[-1] == entry


def test_a_server_that_ignores_conditions_is_found_out_before_anything_is_written(
    at: Callable[..., Store], bucket: Any
) -> None:
    store = at()
    client = store._bucket.client  # type: ignore[attr-defined]

    def ignore(params: dict[str, Any], **_: Any) -> None:
        params["headers"].pop("If-None-Match", None)

    client.meta.events.register("before-call.s3.PutObject", ignore)
    with pytest.raises(RegistryError, match="ignores If-None-Match"):
        publish(store)
    assert at("b").models() == []


# Fetching over a bad network


def test_a_pull_survives_connections_that_break_off(at: Callable[..., Store], network: FaultyProxy) -> None:
    publish(at("a"), {"net.dat": LARGE})
    network.vanish()
    network.reappear()
    network.befall([Fault(after=100_000, reset=turn % 2 == 0) for turn in range(12)])
    store = at("b")
    assert store.verify("net@v1").path("net.dat").read_bytes() == LARGE


def test_an_interrupted_pull_leaves_no_version_and_goes_on_where_it_stopped(
    at: Callable[..., Store], network: FaultyProxy, tmp_path: Path
) -> None:
    publish(at("a"), {"net.dat": LARGE})
    store = at("b")

    def vanish_half_way(label: str, done: int, total: int | None) -> None:
        if done > len(LARGE) // 2:
            network.vanish()

    store.progress = vanish_half_way  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        store.get("net@v1")
    assert versions_in(tmp_path / "cache-b") == set()
    network.reappear()
    before = network.delivered
    again = at("b")
    assert again.verify("net@v1").path("net.dat").read_bytes() == LARGE
    assert network.delivered - before < len(LARGE) * 3 // 4
    assert list((tmp_path / "cache-b" / ".downloads").iterdir()) == []


def test_a_server_that_stops_answering_is_given_up_and_the_version_at_hand_serves_on(
    at: Callable[..., Store], network: FaultyProxy
) -> None:
    publish(at("a"))
    publish(at("a"), {"net.dat": LARGE}, version="v2")
    store = at("b")
    store.get("net@v1")
    network.vanish()
    network.reappear()
    network.befall([Fault(after=0, stall=True)] * 50)
    with pytest.raises(StoreUnavailable, match="does not answer in time"):
        at("b").get("net@v2")
    assert at("b").verify("net@v1").path("weights.dat").read_bytes() == b"weights"
    assert at("b").manifest("net@v1").ref == "net@v1"


def test_a_server_that_denies_says_what_to_check(at: Callable[..., Store], bucket: Any) -> None:
    publish(at("a"))
    store = at("b")
    client = store._bucket.client  # type: ignore[attr-defined]
    client.meta.events.register(
        "before-send.s3",
        lambda request, **_: boto3_answer(403, b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>"),
    )
    with pytest.raises(StoreUnavailable, match="denies access .*AWS_ACCESS_KEY_ID"):
        store.get("net@v1")


def boto3_answer(status: int, body: bytes) -> Any:
    from botocore.awsrequest import AWSResponse

    class Raw:
        def stream(self, *arguments: Any, **told: Any) -> Iterator[bytes]:
            yield body

    return AWSResponse("http://127.0.0.1", status, {}, Raw())


def test_a_bucket_that_is_not_there_is_named(at: Callable[..., Store], tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="s3://nowhere does not exist; create the bucket"):
        open_store("s3://nowhere", tmp_path / "cache").models()


@pytest.mark.parametrize("damage", [LARGE[:-1], b"!" + LARGE, LARGE[::-1]])
def test_what_was_altered_in_the_bucket_never_becomes_a_version(
    at: Callable[..., Store], bucket: Any, tmp_path: Path, damage: bytes
) -> None:
    manifest = publish(at("a"), {"net.dat": LARGE})
    key = f"studio/net/v1/files/{manifest.files[0].sha256}"
    bucket.put_object(Bucket="models", Key=key, Body=damage)
    with pytest.raises(RegistryError):
        at("b").get("net@v1")
    assert versions_in(tmp_path / "cache-b") == set()
    publish(at("a"), {"net.dat": LARGE})
    at("b").verify("net@v1")


def test_a_file_lost_in_the_bucket_is_named(at: Callable[..., Store], bucket: Any) -> None:
    manifest = publish(at("a"))
    bucket.delete_object(Bucket="models", Key=f"studio/net/v1/files/{manifest.files[0].sha256}")
    with pytest.raises(StoreUnavailable, match="has lost net/v1/files/.*push the version again"):
        at("b").get("net@v1")
    publish(at("a"))
    at("b").verify("net@v1")


@pytest.mark.parametrize("text", [b"]", b"model: net", b"\xff"])
def test_an_unreadable_manifest_is_a_broken_version(at: Callable[..., Store], bucket: Any, text: bytes) -> None:
    publish(at("a"))
    bucket.put_object(Bucket="models", Key="studio/net/v1/manifest.yaml", Body=text)
    with pytest.raises(BrokenVersion, match="manifest of net@v1 in s3://models/studio cannot be read"):
        at("b").get("net")


# The cache


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
from registry.opening import open_store
open_store("s3://models/studio", Path(sys.argv[1])).verify("net@v1")
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
    assert list((tmp_path / "cache-b" / ".downloads").iterdir()) == []


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
        os.utime(tmp_path / "cache-b" / ".used" / "net@v0", (1, 1))
        os.utime(tmp_path / "cache-b" / ".used" / "net@v2", (2, 2))
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
    assert list((tmp_path / "cache-b" / ".downloads").iterdir()) == []


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
                FolderStore(tmp_path / "cache-b").discard("net@v1")
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
    assert list((tmp_path / "cache-b" / ".downloads").iterdir()) == []
    at("b").verify("net@v1")


# Removing


def test_a_removed_version_is_gone_for_everybody_and_its_name_is_not_given_again(
    at: Callable[..., Store], bucket: Any
) -> None:
    publish(at("a"))
    publish(at("a"), {"weights.dat": b"2"}, version="v2")
    at("b").discard("net@v1")
    assert at("c").versions("net") == ["v2"]
    assert not [key for key in keys(bucket) if key.startswith("studio/net/v1/")]
    with pytest.raises(VersionExists, match="was once published"):
        publish(at("c"), {"weights.dat": b"other"})
    publish(at("c"))
    at("d").verify("net@v1")


def test_after_the_highest_version_is_removed_new_content_comes_under_the_number_after_it(
    at: Callable[..., Store],
) -> None:
    publish(at("a"))
    promote(at("a"), "net", "v1", **BY)
    publish(at("a"), version="v2")
    canary(at("a"), "net", "v2", 5, **BY)
    rollback(at("a"), "net", **BY)
    remove(at("a"), "net", "v2", **BY)
    following = next_version(at("b"), "net")
    assert following == "v3"
    publish(at("b"), {"weights.dat": b"new"}, version=following)


def test_a_version_called_like_the_file_every_version_has_is_gone_too_when_removed(at: Callable[..., Store]) -> None:
    publish(at(), version="manifest")
    assert at("b").versions("net") == ["manifest"]
    at("b").discard("net@manifest")
    assert (at("c").models(), at("c").versions("net")) == ([], [])


def test_a_version_somebody_objects_to_removing_is_put_back(at: Callable[..., Store]) -> None:
    publish(at("a"))
    with pytest.raises(InUse, match="net@v1 is held by replica"):
        at("b").discard("net@v1", veto=lambda: "held by replica")
    at("c").verify("net@v1")


def test_a_version_is_put_back_when_nobody_can_say_whether_it_is_in_use(at: Callable[..., Store]) -> None:
    publish(at("a"))

    def fail() -> str:
        raise StoreUnavailable("s3://models/studio cannot be reached.")

    with pytest.raises(StoreUnavailable):
        at("b").discard("net@v1", veto=fail)
    at("c").verify("net@v1")


def test_a_version_whose_removal_is_called_off_outlives_a_sweep(at: Callable[..., Store]) -> None:
    publish(at("a"))
    grow_old()

    def object_after_a_sweep() -> str:
        at("c").sweep()
        return "held by replica"

    with pytest.raises(InUse, match="net@v1 is held by replica"):
        at("b").discard("net@v1", veto=object_after_a_sweep)
    at("d").verify("net@v1")


def test_a_removal_the_network_interrupts_is_on_record_and_sweeping_takes_what_it_left(
    at: Callable[..., Store], bucket: Any
) -> None:
    publish(at("a"))
    publish(at("a"), {"weights.dat": b"2"}, version="v2")
    store = at("b")

    def break_off(params: dict[str, Any], **_: Any) -> None:
        if "/files/" in params["url"]:
            raise ConnectionError("Connection reset by peer")

    store._bucket.client.meta.events.register("before-call.s3.DeleteObject", break_off)  # type: ignore[attr-defined]
    remove(store, "net", "v1", **BY)
    assert (at("c").versions("net"), at("c").audit("net")[-1].action) == (["v2"], "remove")
    assert [key for key in keys(bucket) if key.startswith("studio/net/v1/")]
    grow_old()
    at("c").sweep()
    assert not [key for key in keys(bucket) if key.startswith("studio/net/v1/")]
    at("d").verify("net@v2")


def test_leases_are_seen_from_other_machines_until_they_expire(at: Callable[..., Store], bucket: Any) -> None:
    with Lease(at("a"), "replica-1") as lease:
        lease.hold(["net@v1"])
        assert [(held.holder, held.refs) for held in at("b").leases()] == [("replica-1", ("net@v1",))]
    assert at("b").leases() == []
    at("a").hold(Held("killed", ("net@v1",), datetime.now(UTC) - timedelta(seconds=1)))
    assert at("b").leases() == []
    assert keys(bucket) == []


def test_a_replica_serves_on_without_its_lease_while_the_server_is_away(
    at: Callable[..., Store], network: FaultyProxy, caplog: pytest.LogCaptureFixture
) -> None:
    store = at("a")
    publish(store)
    network.vanish()
    with Lease(store, "replica") as lease:
        lease.hold(["net@v1"])
        assert store.get("net@v1").ref == "net@v1"
    assert "net@v1 cannot be held in s3://models/studio" in caplog.text


# The command line


def test_a_version_goes_from_a_folder_through_the_bucket_to_another_machine(
    at: Callable[..., Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.output
        return result.output

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MASQUERADE_USER", "ada")
    local = FolderStore(tmp_path / "mine")
    for version in ("v1", "v2"):
        publish(local, {"net.dat": LARGE, "version.txt": version.encode()}, version=version)
    push = ("push", "net@v1", "net@v2", "--from", str(local.root), "--to", "s3://models/studio")
    assert run(*push).count("pushed  net@v") == 2
    monkeypatch.setenv("MASQUERADE_MODELS_URL", "s3://models/studio")
    monkeypatch.setenv("MASQUERADE_MODELS_CACHE_DIR", str(tmp_path / "cache-b"))
    assert "net@v1" in run("list")
    assert versions_in(tmp_path / "cache-b") == set()
    assert "present  net@v2" in run("pull", "net")
    assert versions_in(tmp_path / "cache-b") == {"net@v2"}
    run("promote", "net@v2", "--why", "sharper")
    assert "sharper" in run("audit", "net")
    assert "ok      net@v1" in run("verify")
    assert "0 of 2 versions would go" in run("gc", "--dry-run")


def test_a_bucket_out_of_reach_is_one_sentence(
    network: FaultyProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MASQUERADE_MODELS_URL", "s3://models/studio")
    monkeypatch.setenv("MASQUERADE_MODELS_CACHE_DIR", str(tmp_path))
    network.vanish()
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 1
    assert "s3://models/studio cannot be reached" in result.output
    assert len(result.output.strip().splitlines()) == 1
