"""What is published in a bucket is there as a whole, once, for everybody."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from registry.errors import InvalidVersion, UnknownModelVersion, UnsafeFile, VersionExists
from registry.store import Store
from tests.integration.registry.s3_store.content import LARGE, grow_old, keys
from tests.versions import manifest_of, publish

boto3 = pytest.importorskip("boto3")

from registry.s3 import transfers


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


@pytest.mark.parametrize("overtaken_at", [1, 3], ids=["before the first part", "before the last part"])
def test_of_two_who_push_the_same_large_file_the_slower_has_nothing_left_to_do(
    at: Callable[..., Store], bucket: Any, monkeypatch: pytest.MonkeyPatch, overtaken_at: int
) -> None:
    files = {"net.dat": os.urandom(12 * 2**20)}
    monkeypatch.setattr(transfers, "PART", 5 * 2**20)
    monkeypatch.setattr(transfers, "_THREADS", 1)
    slow = at("a")
    client = slow._bucket.client  # type: ignore[attr-defined]
    parts: list[str] = []

    def overtake(params: dict[str, Any], **_: Any) -> None:
        parts.append(params["url"])
        if len(parts) == overtaken_at:
            publish(at("b"), files)

    client.meta.events.register("before-call.s3.UploadPart", overtake)
    publish(slow, files)
    assert at("c").verify("net").path("net.dat").read_bytes() == files["net.dat"]
    assert bucket.list_multipart_uploads(Bucket="models").get("Uploads", []) == []


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
