"""Objects of S3-compatible stores. Endpoint, region, keys and CA come from boto3's own environment and files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registry.errors import SourceFailed
from registry.integrity import sha256_of
from registry.manifest import S3Source
from registry.sources.context import Context, Wanted
from registry.sources.partial import Interrupted, PartialFile, persist

_CHUNK = 256 * 1024


def fetch(source: S3Source, target: Path, wanted: Wanted, context: Context) -> S3Source:
    """Download to ``target``, resuming what an earlier run left. Raises :class:`SourceFailed`."""
    try:
        from registry.s3.client import FAULTS, make_client
    except ImportError as error:
        raise SourceFailed("needs boto3: .venv/bin/pip install boto3") from error
    try:
        client = make_client()
        head = client.head_object(Bucket=source.bucket, Key=source.key)
    except FAULTS as error:
        raise SourceFailed(str(error).rstrip(".")) from error
    wanted.check_offer(head["ContentLength"])

    # The key holds the object's tag: halves of two states of it are never put together.
    key = f"{source.bucket}/{source.key} {head['ETag']}"
    part = PartialFile(context, key, label=wanted.name, limit=wanted.limit)
    part.total = head["ContentLength"]

    def transfer() -> None:
        try:
            _receive(client, source, part, head["ETag"])
        except FAULTS as error:
            raise Interrupted(str(error).rstrip(".")) from error

    try:
        persist(part, transfer)
        part.flush()
        if wanted.sha256 is not None and sha256_of(part.path) != wanted.sha256:
            part.restart()
            raise SourceFailed("delivers other content than the manifest vouches for")
        part.deliver(target)
    finally:
        part.close()
    return source


def _receive(client: Any, source: S3Source, part: PartialFile, etag: str) -> None:
    total = part.total or 0
    if part.size > total:
        part.restart()
    if part.size < total:
        answer = client.get_object(Bucket=source.bucket, Key=source.key, IfMatch=etag, Range=f"bytes={part.size}-")
        for chunk in answer["Body"].iter_chunks(_CHUNK):
            part.write(chunk)
    if part.size != total:
        raise Interrupted(f"broke off after {part.size:,} of {total:,} bytes")
