"""Objects of an S3-compatible server, over HTTP."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from registry.errors import FetchFailed
from registry.manifest import S3Source
from registry.sources import Context, Wanted, fetch, partial

boto3 = pytest.importorskip("boto3")

DATA = bytes(range(256)) * 4096
SOURCE = S3Source(bucket="models", key="net/v1/net.dat")


@pytest.fixture
def bucket(s3_credentials: None) -> Any:
    client = boto3.client("s3")
    client.create_bucket(Bucket="models")
    client.put_object(Bucket="models", Key=SOURCE.key, Body=DATA)
    return client


def wanted(data: bytes = DATA) -> Wanted:
    return Wanted("net.dat", (SOURCE,), len(data), hashlib.sha256(data).hexdigest(), len(data))


def test_an_object_arrives(bucket: Any, context: Context, tmp_path: Path) -> None:
    fetch(wanted(), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == DATA
    assert list(context.downloads.iterdir()) == []


def test_a_later_run_goes_on_where_an_earlier_one_stopped(bucket: Any, context: Context, tmp_path: Path) -> None:
    etag = bucket.head_object(Bucket="models", Key=SOURCE.key)["ETag"]
    part = partial.PartialFile(context, f"models/{SOURCE.key} {etag}", label="net.dat", limit=len(DATA))
    part.write(DATA[:1000])
    part.close()
    seen: list[int] = []
    context.progress = lambda label, done, total: seen.append(done)
    fetch(wanted(), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == DATA
    assert seen[0] > 1000


def test_a_missing_object_and_a_tampered_one_are_reasons(bucket: Any, context: Context, tmp_path: Path) -> None:
    missing = Wanted("net.dat", (S3Source(bucket="models", key="none"),), 10)
    with pytest.raises(FetchFailed, match="s3://models/none: .*Not Found"):
        fetch(missing, tmp_path / "out", context)
    with pytest.raises(FetchFailed, match="other content"):
        fetch(wanted(DATA[::-1]), tmp_path / "out", context)
    with pytest.raises(FetchFailed, match="bytes instead of"):
        fetch(wanted(DATA[1:]), tmp_path / "out", context)
    assert not (tmp_path / "out").exists()


def test_a_server_that_is_not_there_is_a_reason(
    bucket: Any, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(FetchFailed, match="Could not connect to the endpoint URL"):
        fetch(wanted(), tmp_path / "out", context)
