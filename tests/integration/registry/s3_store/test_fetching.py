"""Fetching from a bucket over a network as bad as it gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drills.faulty_proxy import Fault, FaultyProxy
from registry.errors import BrokenVersion, RegistryError, StoreUnavailable
from registry.opening import StoreAddress
from registry.store import Store
from tests.integration.registry.s3_store.content import LARGE, cache_in, versions_in
from tests.versions import publish

boto3 = pytest.importorskip("boto3")


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
    assert list((cache_in(tmp_path / "cache-b") / ".downloads").iterdir()) == []


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
        StoreAddress("s3://nowhere", tmp_path / "cache").open().models()


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


def test_an_endpoint_that_is_no_address_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio")
    store = StoreAddress("s3://models/studio", tmp_path).open()
    with pytest.raises(StoreUnavailable, match="Invalid endpoint: minio.*; correct AWS_ENDPOINT_URL"):
        store.models()
