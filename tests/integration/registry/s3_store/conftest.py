"""A store in a bucket, behind a network that can be made as bad as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drills.faulty_proxy import FaultyProxy
from registry.opening import StoreAddress
from registry.store import Store

boto3 = pytest.importorskip("boto3")

from registry.s3 import client as s3_client
from registry.s3 import transfers


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
    return lambda node="a", limit=2**30: StoreAddress("s3://models/studio", tmp_path / f"cache-{node}", limit).open()
