"""The object store in an S3-compatible bucket. Endpoint, region and credentials come from where :mod:`registry.s3.client` looks.

Every method raises :class:`~deployments.errors.Unavailable` when the bucket cannot be reached, and ``delete`` also when it
keeps any of the objects; the others are gone then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any

from deployments.errors import Unavailable
from serve_app.objects import KEY, RETRY_AFTER_S, UploadTicket, new_key, out_of_reach

log = logging.getLogger(__name__)

# What one DeleteObjects call may name.
PAGE = 1000


class S3Objects:
    """Objects under ``prefix`` of ``bucket``. Uploads of people's own go to keys and sizes that we signed."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix

    def put(self, key: str, data: bytes) -> None:
        name = self._name(key)
        with _reached():
            self._client.put_object(Bucket=self._bucket, Key=name, Body=data)

    def get(self, key: str) -> bytes:
        name = self._name(key)
        with _reached(key):
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        return body

    def size(self, key: str) -> int:
        name = self._name(key)
        with _reached(key):
            return int(self._client.head_object(Bucket=self._bucket, Key=name)["ContentLength"])

    def delete(self, keys: Iterable[str]) -> None:
        names = [self._name(key) for key in keys]
        with _reached():
            removed = self._remove(names)
        if removed < len(names):
            raise Unavailable("Photos cannot be removed right now.", retry_after=RETRY_AFTER_S)

    def stored_before(self, when: float) -> list[str]:
        with _reached():
            keys = (name.removeprefix(f"{self._prefix}/") for name in self._names_before(when))
            return [key for key in keys if KEY.fullmatch(key)]

    def sweep(self, when: float, besides: Collection[str] = ()) -> int:
        kept = {self._name(key) for key in besides}
        with _reached():
            return self._remove(name for name in self._names_before(when) if name not in kept)

    def ticket(self, max_bytes: int, valid_s: int) -> UploadTicket:
        key = new_key("up")
        # The store itself refuses another key, another length, and everything after the deadline.
        with _reached():
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
            from registry.s3.client import make_client
        except ImportError as error:
            raise RuntimeError("objects in a bucket need boto3: .venv/bin/pip install boto3") from error
        return make_client()

    def _name(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise KeyError(key)
        return f"{self._prefix}/{key}"

    def _names_before(self, when: float) -> Iterator[str]:
        oldest = datetime.fromtimestamp(when, UTC)
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{self._prefix}/")
        entries = (entry for page in pages for entry in page.get("Contents", ()))
        return (entry["Key"] for entry in entries if entry["LastModified"] < oldest)

    def _remove(self, names: Iterable[str]) -> int:
        removed, remaining = 0, iter(names)
        while page := list(islice(remaining, PAGE)):
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": name} for name in page], "Quiet": True}
            )
            for error in answer.get("Errors", ()):
                log.warning("an object could not be removed: %s", error.get("Code"))
            removed += len(page) - len(answer.get("Errors", ()))
        return removed


@contextmanager
def _reached(key: str | None = None) -> Iterator[None]:
    """The block speaks to the bucket. Raises ``KeyError`` where the object called ``key`` is not there."""
    from registry.s3.client import FAULTS, in_words, is_missing

    try:
        yield
    except FAULTS as error:
        if key is not None and is_missing(error):
            raise KeyError(key) from None
        log.warning("the bucket for photos %s", in_words(error))
        raise out_of_reach() from error
