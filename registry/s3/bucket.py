"""The objects under one prefix of a bucket, with every fault as :class:`StoreUnavailable` in words."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from registry.errors import RegistryError, StoreUnavailable
from registry.s3.client import FAULTS, in_words, is_missing, is_taken

_PROBE = ".conditional-writes"


class Bucket:
    """Keys are relative to the prefix. Several threads may share one."""

    def __init__(self, name: str, prefix: str, make_client: Callable[[], Any]) -> None:
        self.name = name
        self._prefix = f"{prefix}/" if prefix else ""
        self._make_client = make_client
        self._made: Any = None
        self._lock = threading.Lock()
        self._conditional = False

    def __str__(self) -> str:
        return f"s3://{self.name}/{self._prefix}".rstrip("/")

    @property
    def client(self) -> Any:
        """The client, made when first needed."""
        with self._lock:
            if self._made is None:
                try:
                    with self.explained():
                        self._made = self._make_client()
                except ValueError as error:
                    raise StoreUnavailable(f"{self} cannot be asked ({error}); correct AWS_ENDPOINT_URL.") from error
            return self._made

    @property
    def identity(self) -> str:
        """A folder's name that no other bucket, prefix or server has. Nothing is asked of the server."""
        address = f"{self.client.meta.endpoint_url}/{self.name}/{self._prefix}"
        return f"{self.name}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"

    def at(self, key: str) -> dict[str, str]:
        """Where an object is, as the client's methods take it."""
        return {"Bucket": self.name, "Key": self._prefix + key}

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn the client's errors into :class:`StoreUnavailable`."""
        try:
            yield
        except FAULTS as error:
            raise StoreUnavailable(f"{self} {in_words(error)}.") from error

    def read(self, key: str) -> bytes | None:
        """A small object's content, or ``None`` when there is none."""
        with self.explained():
            try:
                return bytes(self.client.get_object(**self.at(key))["Body"].read())
            except FAULTS as error:
                if is_missing(error):
                    return None
                raise

    def write(self, key: str, data: bytes) -> None:
        """Write a small object, over what is there."""
        with self.explained():
            self.client.put_object(**self.at(key), Body=data, ContentMD5=md5(data))

    def create(self, key: str, data: bytes) -> bool:
        """Write a small object unless there is one by this key; whether it was written.

        Raises :class:`RegistryError` on a server that ignores the condition: there, of two who write at once, both
        would believe they had won.
        """
        self._insist_on_conditions()
        return self._put_if_absent(key, data)

    def list(self, prefix: str, after: str = "") -> Iterator[tuple[str, int]]:
        """Key and size of every object whose key starts so, in order, from behind ``after``."""
        for found in self._found(prefix, after):
            yield str(found["Key"]).removeprefix(self._prefix), int(found["Size"])

    def tag(self, key: str) -> str | None:
        """What the server calls an object's content (its ETag), or ``None`` when there is none."""
        with self.explained():
            try:
                return str(self.client.head_object(**self.at(key))["ETag"]).strip('"')
            except FAULTS as error:
                if is_missing(error):
                    return None
                raise

    def age(self, key: str) -> timedelta | None:
        """How long ago an object was written, or ``None`` when there is none."""
        with self.explained():
            try:
                written: datetime = self.client.head_object(**self.at(key))["LastModified"]
                return datetime.now(UTC) - written
            except FAULTS as error:
                if is_missing(error):
                    return None
                raise

    def untouched(self, for_so_long: timedelta) -> Iterator[str]:
        """Every key, in order, under which nothing was written for so long."""
        for found in self._found(""):
            if datetime.now(UTC) - found["LastModified"] > for_so_long:
                yield str(found["Key"]).removeprefix(self._prefix)

    def remove(self, key: str) -> None:
        """Remove an object; no error when there is none."""
        with self.explained():
            self.client.delete_object(**self.at(key))

    def abort_uploads(self, older_than: timedelta) -> None:
        """Give up multipart uploads that nobody finished for so long."""
        with self.explained():
            pages = self.client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.name, Prefix=self._prefix):
                for upload in page.get("Uploads", ()):
                    if datetime.now(UTC) - upload["Initiated"] > older_than:
                        self.client.abort_multipart_upload(
                            Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"]
                        )

    def _found(self, prefix: str, after: str = "") -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("list_objects_v2")
        told = {"StartAfter": self._prefix + after} if after else {}
        with self.explained():
            for page in pages.paginate(Bucket=self.name, Prefix=self._prefix + prefix, **told):
                yield from page.get("Contents", ())

    def _put_if_absent(self, key: str, data: bytes) -> bool:
        with self.explained():
            try:
                self.client.put_object(**self.at(key), Body=data, ContentMD5=md5(data), IfNoneMatch="*")
            except FAULTS as error:
                if not is_taken(error):
                    raise
                # The client repeats a request whose answer was lost: then what is in our way is our own.
                return self.read(key) == data
            return True

    def _insist_on_conditions(self) -> None:
        if self._conditional:
            return
        with self.explained():
            for _ in range(2):
                try:
                    self.client.put_object(**self.at(_PROBE), Body=b"", IfNoneMatch="*")
                except FAULTS as error:
                    if not is_taken(error):
                        raise
                    self._conditional = True
                    return
        raise RegistryError(
            f"The server of {self} ignores If-None-Match, so two people who change a model at once could overwrite each "
            "other. Update it to a release with conditional writes; reading from it works."
        )


def md5(data: bytes) -> str:
    """Content-MD5: the server refuses what the network altered."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
