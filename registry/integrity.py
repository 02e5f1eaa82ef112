"""Hashes and durable writes."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from registry.manifest import ModelFile


def sha256_of(path: Path) -> str:
    """The hex sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def mismatch(path: Path, expected: ModelFile, *, hashed: bool = True) -> str | None:
    """Why the file at ``path`` is not ``expected``, or ``None`` when it is.

    ``hashed=False`` looks at presence and size only, which costs nothing.
    """
    if not path.is_file():
        return f"{expected.name} is missing"
    if (size := path.stat().st_size) != expected.size:
        return f"{expected.name} has {size:,} bytes instead of {expected.size:,}"
    if hashed and (found := sha256_of(path)) != expected.sha256:
        return f"{expected.name} has sha256 {found[:12]}… instead of {expected.sha256[:12]}…"
    return None


def disk_full(error: OSError) -> bool:
    """Whether what went wrong is that a disk, or somebody's share of it, is full."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def flush_to_disk(path: Path) -> None:
    """Make a file's content, or a folder's list of names, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` so that every reader sees the old content or the new, never a part."""
    with _temporary(path, text) as temporary:
        temporary.replace(path)
    flush_to_disk(path.parent)


def create_text(path: Path, text: str) -> None:
    """As :func:`replace_text`, but raise ``FileExistsError`` when ``path`` is there: of several writers, one wins."""
    with _temporary(path, text) as temporary:
        os.link(temporary, path)
    flush_to_disk(path.parent)


@contextmanager
def _temporary(path: Path, text: str) -> Iterator[Path]:
    """A whole and durable file with ``text`` beside ``path``, gone again unless it was moved."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.urandom(6).hex()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        flush_to_disk(temporary)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
