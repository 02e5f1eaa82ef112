"""The object store in an S3-compatible bucket. Endpoint, region and credentials come from boto3's own environment."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from serve_app.objects import KEY, UploadTicket, new_key

log = logging.getLogger(__name__)

# What one DeleteObjects call may name.
PAGE = 1000
ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})


class S3Objects:
    """Objects under ``prefix`` of ``bucket``. Uploads of people's own go to keys and sizes that we signed."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self._bucket, Key=self._name(key), Body=data)

    def get(self, key: str) -> bytes:
        answer = self._looked_up(self._client.get_object, key)
        body: bytes = answer["Body"].read()
        return body

    def size(self, key: str) -> int:
        return int(self._looked_up(self._client.head_object, key)["ContentLength"])

    def delete(self, keys: Iterable[str]) -> None:
        self._remove(self._name(key) for key in keys)

    def sweep(self, older_than_s: float) -> int:
        oldest = datetime.now(UTC) - timedelta(seconds=older_than_s)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{self._prefix}/")
        stale = (entry["Key"] for page in pages for entry in page.get("Contents", ()) if entry["LastModified"] < oldest)
        return self._remove(stale)

    def ticket(self, max_bytes: int, valid_s: int) -> UploadTicket:
        key = new_key("up")
        # The store itself refuses another key, another length, and everything after the deadline.
        signed = self._client.generate_presigned_post(
            self._bucket,
            self._name(key),
            Conditions=[["content-length-range", 1, max_bytes]],
            ExpiresIn=valid_s,
        )
        return UploadTicket(key, signed["url"], signed["fields"], max_bytes, time.time() + valid_s)

    @cached_property
    def _client(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise RuntimeError("objects in a bucket need boto3 (install the extra `cluster`)") from error
        # Path-style addresses are the ones every S3-compatible server understands; old signatures are not.
        return boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))

    def _name(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise KeyError(key)
        return f"{self._prefix}/{key}"

    def _looked_up(self, method: Any, key: str) -> Any:
        from botocore.exceptions import ClientError

        try:
            return method(Bucket=self._bucket, Key=self._name(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in ABSENT:
                raise KeyError(key) from None
            raise

    def _remove(self, names: Iterable[str]) -> int:
        removed = 0
        for page in _pages(names):
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": name} for name in page], "Quiet": True}
            )
            for error in answer.get("Errors", ()):
                log.warning("an object could not be removed: %s", error.get("Code"))
            removed += len(page) - len(answer.get("Errors", ()))
        return removed


def _pages(names: Iterable[str]) -> Iterator[list[str]]:
    page: list[str] = []
    for name in names:
        page.append(name)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
