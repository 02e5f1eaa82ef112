"""One file out of a zip or tar archive, without unpacking the rest."""

from __future__ import annotations

import errno
import tarfile
import zipfile
import zlib
from gzip import BadGzipFile
from lzma import LZMAError
from pathlib import Path
from typing import IO

from registry.errors import SourceFailed

_CHUNK = 2**20
# What the readers raise on truncated, encrypted and made-up archives.
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    BadGzipFile,
    LZMAError,
    zlib.error,
    EOFError,
    IndexError,
    NotImplementedError,
    RuntimeError,
)


def extract(archive: Path, member: str, target: Path, limit: int) -> None:
    """Write the archive's file ``member`` to ``target``.

    ``member`` may leave out the folders above it as long as only one file matches. Where the archive would put the
    file is never looked at. Raises :class:`SourceFailed` when there is no such file, when it is larger than ``limit``
    bytes, or when the archive is broken.
    """
    try:
        if zipfile.is_zipfile(archive):
            _from_zip(archive, member, target, limit)
        else:
            _from_tar(archive, member, target, limit)
    except _BROKEN as error:
        raise SourceFailed(f"its archive is broken ({error})") from error
    except OSError as error:
        # The readers raise it as well: for a place before the first byte, and without a number for bad bzip2.
        if error.errno not in {None, errno.EINVAL}:
            raise
        raise SourceFailed(f"its archive is broken ({error})") from error


def _from_zip(archive: Path, member: str, target: Path, limit: int) -> None:
    with zipfile.ZipFile(archive) as opened:
        names = [info.filename for info in opened.infolist() if not info.is_dir()]
        with opened.open(_choose(names, member)) as stream:
            _copy(stream, target, limit)


def _from_tar(archive: Path, member: str, target: Path, limit: int) -> None:
    with tarfile.open(archive) as opened:
        # Reading on for the full list of a compressed archive costs a second per 100 MB: stop at an exact match.
        found = next((info for info in opened if info.name == member), None)
        if found is None:
            found = opened.getmember(_choose([info.name for info in opened.getmembers() if info.isfile()], member))
        # A link instead of a file gives no stream: nothing outside the archive can be reached through it.
        stream = opened.extractfile(found) if found.isfile() else None
        if stream is None:
            raise SourceFailed(f"{member} is not a plain file in its archive")
        with stream:
            _copy(stream, target, limit)


def _choose(names: list[str], member: str) -> str:
    if member in names:
        return member
    matches = [name for name in names if name.endswith(f"/{member}")]
    if len(matches) != 1:
        raise SourceFailed(f"its archive holds {len(matches) or 'no'} files called {member}")
    return matches[0]


def _copy(stream: IO[bytes], target: Path, limit: int) -> None:
    with target.open("wb") as output:
        while chunk := stream.read(_CHUNK):
            if output.tell() + len(chunk) > limit:
                raise SourceFailed(f"the file in its archive is larger than the {limit:,} bytes allowed")
            output.write(chunk)
