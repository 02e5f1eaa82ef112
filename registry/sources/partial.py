"""A download in progress: capped, resumable, and safe from a second process that wants the same file."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from registry.errors import RegistryError, SourceFailed
from registry.sources.context import Context

_ATTEMPTS = 5
_ENOUGH_PROGRESS = 2**20
_FIRST_PAUSE_S = 0.5


class Interrupted(Exception):
    """The transfer stopped for a reason that may pass. The message is the reason."""


class PartialFile:
    """The bytes of one download so far.

    The file is found again by ``key`` in the next run. While it is open it is locked; a process that finds it locked
    works on a private one instead. Close it, or :meth:`deliver` it.
    """

    def __init__(self, context: Context, key: str, *, label: str, limit: int) -> None:
        self._context = context
        self._label = label
        self._limit = limit
        self.total: int | None = None
        shared = context.downloads / f"{hashlib.sha256(key.encode()).hexdigest()}.part"
        self.path, self._stream = _open_locked(shared) or _open_private(context.scratch)
        self.size = self._stream.seek(0, os.SEEK_END)

    def restart(self) -> None:
        """Forget what is here."""
        self._stream.seek(0)
        self._stream.truncate()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Append. Raises :class:`SourceFailed` beyond the limit."""
        if self.size + len(chunk) > self._limit:
            raise SourceFailed(f"sends more than the {self._limit:,} bytes allowed")
        try:
            self._stream.write(chunk)
        except OSError as error:
            raise RegistryError(f"{self.path.parent} cannot be written to: {error.strerror}.") from error
        self.size += len(chunk)
        self._context.progress(self._label, self.size, self.total)

    def flush(self) -> None:
        """Let other readers of :attr:`path` see everything written."""
        self._stream.flush()

    def deliver(self, target: Path) -> None:
        """Move the finished file to ``target`` and close."""
        self.flush()
        self.path.replace(target)
        self.close()

    def discard(self) -> None:
        """Remove the file and close."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Keep what is here for the next run."""
        self._stream.close()


def persist(part: PartialFile, transfer: Callable[[], None]) -> None:
    """Call ``transfer`` until it returns, with growing pauses, as long as it is :class:`Interrupted`.

    Gives up with :class:`SourceFailed` after some attempts that brought hardly anything.
    """
    futile = 0
    while True:
        before = part.size
        try:
            return transfer()
        except Interrupted as error:
            futile = 0 if part.size - before >= _ENOUGH_PROGRESS else futile + 1
            if futile == _ATTEMPTS:
                raise SourceFailed(str(error)) from error
            if futile:
                time.sleep(_FIRST_PAUSE_S * 2 ** (futile - 1))


def _open_locked(path: Path) -> tuple[Path, BinaryIO] | None:
    stream = path.open("ab")
    with suppress(OSError):
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The former holder may have delivered the file while we waited: then ours is no longer the one by this name.
        if os.fstat(stream.fileno()).st_ino == path.stat().st_ino:
            return path, stream
    stream.close()
    return None


def _open_private(folder: Path) -> tuple[Path, BinaryIO]:
    path = folder / f"{os.urandom(6).hex()}.part"
    return path, path.open("ab")
