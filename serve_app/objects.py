"""The object store: people's photos and results under keys the server chose, for as long as they are needed.

A folder by default; an S3-compatible bucket (:mod:`serve_app.s3_objects`) where ``objects_url`` names one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deployments.errors import Unavailable
from serve_app.settings import Settings

log = logging.getLogger(__name__)

KEY = re.compile(r"(in|out|up)/[0-9a-f]{32}")
UPLOAD_KEY = re.compile(r"up/[0-9a-f]{32}")
RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """Leave to upload one object to ``url`` by a form POST with these ``fields``, until ``expires`` (Unix seconds)."""

    key: str
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires: float


class ObjectStore(Protocol):
    """Bytes by key. Keys come from :func:`new_key`, never from a client.

    Every method raises ``Unavailable`` where the store is out of reach, or has no room.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store ``data``; visible whole or not at all."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes. Raises ``KeyError`` when they are gone."""
        ...

    def size(self, key: str) -> int:
        """How many bytes it has. Raises ``KeyError`` when it is gone."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those already gone are fine."""
        ...

    def stored_before(self, when: float) -> list[str]:
        """The keys of everything stored before ``when`` (Unix seconds)."""
        ...

    def sweep(self, when: float, besides: Collection[str] = ()) -> int:
        """Remove everything stored before ``when`` (Unix seconds) but these keys; returns how many."""
        ...

    def ticket(self, max_bytes: int, valid_s: int) -> UploadTicket | None:
        """Leave to upload one object directly; None where a store takes nothing from outside."""
        ...


def new_key(kind: str) -> str:
    """A fresh key of kind ``in`` (what people sent), ``up`` (what they uploaded ahead) or ``out`` (what they got)."""
    return f"{kind}/{uuid.uuid4().hex}"


def out_of_reach() -> Unavailable:
    """What people are told of a store that cannot be used."""
    return Unavailable("Photos cannot be stored or fetched right now.", retry_after=RETRY_AFTER_S)


@contextlib.contextmanager
def _reached() -> Iterator[None]:
    """The block uses the folder."""
    try:
        yield
    except OSError as error:
        log.warning("the folder for photos cannot be used: %s", error)
        raise out_of_reach() from error


class FolderObjects:
    """Objects as files of one folder, readable by its owner only."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @_reached()
    def put(self, key: str, data: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @_reached()
    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None

    @_reached()
    def size(self, key: str) -> int:
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            raise KeyError(key) from None

    def ticket(self, max_bytes: int, valid_s: int) -> UploadTicket | None:
        return None

    @_reached()
    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._path(key).unlink(missing_ok=True)

    @_reached()
    def stored_before(self, when: float) -> list[str]:
        keys = (self._key(path) for path in self._files_before(when))
        return [key for key in keys if KEY.fullmatch(key)]

    @_reached()
    def sweep(self, when: float, besides: Collection[str] = ()) -> int:
        removed = 0
        # Also what a process left that was killed while it stored something.
        for path in self._files_before(when):
            with contextlib.suppress(FileNotFoundError):
                if self._key(path) not in besides:
                    path.unlink()
                    removed += 1
        return removed

    def _files_before(self, when: float) -> Iterator[Path]:
        for path in self._root.glob("*/*/*"):
            # Another replica may sweep as well, and people take back what is theirs.
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime < when:
                    yield path

    def _key(self, path: Path) -> str:
        return f"{path.relative_to(self._root).parts[0]}/{path.name}"

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise KeyError(key)
        kind, name = key.split("/")
        return self._root / kind / name[:2] / name


def open_objects(settings: Settings, name: str = "objects") -> ObjectStore:
    """The store called ``name``: a folder in ``data_dir``, or a prefix of the bucket that ``objects_url`` names."""
    if settings.objects_url is None:
        return FolderObjects(settings.data_folder / name)
    from serve_app.s3_objects import S3Objects

    bucket, _, prefix = settings.objects_url.removeprefix("s3://").partition("/")
    return S3Objects(bucket, "/".join(part for part in (prefix.strip("/"), name) if part))
