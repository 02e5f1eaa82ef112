"""Large objects up and down in pieces: in parallel, and resumed piece by piece after an interruption."""

from __future__ import annotations

import hashlib
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from registry.errors import StoreUnavailable
from registry.s3.bucket import Bucket, md5
from registry.s3.client import FAULTS, code_of, in_words, is_missing, may_pass

PIECE = 8 * 2**20
"""Bytes asked for at a time, a multiple of ``BLOCK``."""
BLOCK = 2**20
"""What an earlier run brought is kept in blocks of so many bytes."""
PART = 16 * 2**20
"""Bytes of one part of an upload; S3 wants 5 MiB at least."""
_MAX_PARTS = 9_000
_CHUNK = 256 * 1024
_ATTEMPTS = 5
_ENOUGH_PROGRESS = 64 * 1024
_FIRST_PAUSE_S = 0.5
_THREADS = 8

Report = Callable[[int], None]
"""Told how many bytes more are here (fewer, when some have to be fetched again)."""


class _Stopped(Exception):
    """Another piece failed, or a person pressed Ctrl-C."""


class Transfers:
    """A handful of threads that move pieces of objects; when one fails, the others stop."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        self._pending: list[Future[None]] = []

    def download(self, key: str, size: int, part: Path, report: Report) -> None:
        """Start filling ``part``, which :func:`allocate` made; blocks an earlier run completed are kept."""
        missing = list(_missing(_completed(part), size))
        report(size - sum(end - begin for begin, end in missing))
        for begin, end in missing:
            self._submit(self._piece, key, part, begin, end, report)

    def upload(self, key: str, path: Path, report: Report) -> None:
        """Send a file, unless the server has just these bytes under this key."""
        size = path.stat().st_size
        before = self._bucket.tag(key)
        upload = _Upload(self._bucket, key, path, report, before)
        if before == upload.expected_tag():
            report(size)
        elif size <= PART:
            self._submit(self._small, key, path, report)
        else:
            upload.run(self._submit, self.finish)

    def finish(self) -> None:
        """Wait until everything started has arrived. Raises what the first piece that failed raised."""
        wait(self._pending, return_when=FIRST_EXCEPTION)
        failed = [error for task in self._pending if task.done() and (error := task.exception()) is not None]
        for error in failed:
            if not isinstance(error, _Stopped):
                raise error
        self._pending.clear()

    def close(self) -> None:
        """Stop, whether finished or not."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, task: Callable[..., None], *arguments: Any) -> None:
        self._pending.append(self._pool.submit(task, *arguments))

    def _small(self, key: str, path: Path, report: Report) -> None:
        data = path.read_bytes()
        self._bucket.write(key, data)
        report(len(data))

    def _piece(self, key: str, part: Path, begin: int, end: int, report: Report) -> None:
        position, futile = begin, 0
        # Unbuffered: one block, one write, so that marks of several threads, or processes, never mix.
        with part.open("r+b") as stream, _marks(part).open("ab", buffering=0) as marks:
            while True:
                before, reason = position, f"breaks off {key}"
                try:
                    for chunk in self._stream(key, position, end):
                        os.pwrite(stream.fileno(), chunk, position)
                        for block in range(position // BLOCK, (position + len(chunk)) // BLOCK):
                            marks.write(f"{block}\n".encode())
                        position += len(chunk)
                        report(len(chunk))
                        if self._stop.is_set():
                            raise _Stopped
                except FAULTS as error:
                    reason = in_words(error)
                if position == end:
                    break
                futile = 0 if position - before >= _ENOUGH_PROGRESS else futile + 1
                if futile == _ATTEMPTS:
                    raise StoreUnavailable(f"{self._bucket} {reason}. The next pull goes on from here.")
                if self._stop.wait(_FIRST_PAUSE_S * 2 ** max(futile - 1, 0)):
                    raise _Stopped
            if end % BLOCK:
                marks.write(f"{end // BLOCK}\n".encode())

    def _stream(self, key: str, position: int, end: int) -> Iterator[bytes]:
        """The bytes between two positions. The request is repeated by the client; a body that breaks off is not."""
        with self._bucket.explained():
            try:
                asked = f"bytes={position}-{end - 1}"
                answer = self._bucket.client.get_object(**self._bucket.at(key), Range=asked)
            except FAULTS as error:
                if is_missing(error):
                    raise StoreUnavailable(f"{self._bucket} has lost {key}; push the version again.") from error
                raise
        body, offered = answer["Body"], str(answer.get("ContentRange", "")).partition("/")[0]
        try:
            if offered != f"bytes {position}-{end - 1}":
                raise StoreUnavailable(f"{self._bucket} sends {offered or 'everything'} of {key} instead of {asked}.")
            yield from body.iter_chunks(_CHUNK)
        finally:
            body.close()


class _Upload:
    """One multipart upload, taken up where an earlier one of the same file stopped.

    Several people may be at the same one; whoever is first to complete it has done it for all.
    """

    def __init__(self, bucket: Bucket, key: str, path: Path, report: Report, before: str | None) -> None:
        """``before`` is the ETag of what is there under this key, damaged perhaps."""
        self._bucket, self._key, self._path, self._report, self._before = bucket, key, path, report, before
        self._size = path.stat().st_size
        self._part = max(PART, math.ceil(self._size / _MAX_PARTS))
        self._tags: dict[int, str] = {}

    def expected_tag(self) -> str:
        """The ETag of these bytes once they are there, on all servers that do not encrypt by a key of their own."""
        digests = []
        with self._path.open("rb") as stream:
            while data := stream.read(self._part):
                digests.append(hashlib.md5(data, usedforsecurity=False))
        if self._size <= PART:
            return (digests[0] if digests else hashlib.md5(usedforsecurity=False)).hexdigest()
        whole = hashlib.md5(b"".join(digest.digest() for digest in digests), usedforsecurity=False)
        return f"{whole.hexdigest()}-{len(digests)}"

    def run(self, submit: Callable[..., None], finish: Callable[[], None]) -> None:
        client, at = self._bucket.client, self._bucket.at(self._key)
        with self._bucket.explained():
            upload_id, there = self._resumable() or (client.create_multipart_upload(**at)["UploadId"], {})
            count = math.ceil(self._size / self._part)
            for number in range(1, count + 1):
                submit(self._send, upload_id, number, there.get(number))
            finish()
            if len(self._tags) < count:
                # Somebody else finished before all of ours were sent.
                return
            parts = [{"PartNumber": number, "ETag": self._tags[number]} for number in sorted(self._tags)]
            try:
                client.complete_multipart_upload(**at, UploadId=upload_id, MultipartUpload={"Parts": parts})
            except FAULTS as error:
                if not self._is_done(error):
                    raise

    def _resumable(self) -> tuple[str, dict[int, str]] | None:
        client, at = self._bucket.client, self._bucket.at(self._key)
        try:
            listed = client.list_multipart_uploads(Bucket=at["Bucket"], Prefix=at["Key"]).get("Uploads", ())
            found = [upload["UploadId"] for upload in listed if upload["Key"] == at["Key"]]
            if not found:
                return None
            pages = client.get_paginator("list_parts").paginate(**at, UploadId=found[-1])
            parts = {int(part["PartNumber"]): str(part["ETag"]) for page in pages for part in page.get("Parts", ())}
        except FAULTS as error:
            if may_pass(error):
                raise
            # Not every server lists them, and not every key may: begin anew.
            return None
        return found[-1], parts

    def _send(self, upload_id: str, number: int, tag: str | None) -> None:
        with self._path.open("rb") as stream:
            stream.seek((number - 1) * self._part)
            data = stream.read(self._part)
        if tag is None or tag.strip('"') != hashlib.md5(data, usedforsecurity=False).hexdigest():
            told = {"UploadId": upload_id, "PartNumber": number, "Body": data, "ContentMD5": md5(data)}
            with self._bucket.explained():
                try:
                    tag = str(self._bucket.client.upload_part(**self._bucket.at(self._key), **told)["ETag"])
                except FAULTS as error:
                    if not self._is_done(error):
                        raise
        if tag is not None:
            self._tags[number] = tag
        self._report(len(data))

    def _is_done(self, error: Exception) -> bool:
        """Whether the server refuses because the file is there by now.

        Somebody else has finished the upload, or we have, and the answer was lost on the way.
        """
        return code_of(error) != "" and self._bucket.tag(self._key) not in {None, self._before}


@contextmanager
def transfers(bucket: Bucket) -> Iterator[Transfers]:
    """Threads for the length of a ``with`` block; leaving it by an error, Ctrl-C included, stops them."""
    opened = Transfers(bucket)
    try:
        yield opened
        opened.finish()
    finally:
        opened.close()


def allocate(part: Path, size: int) -> None:
    """Make ``part`` take up its whole ``size`` on the disk now, so that a full disk is noticed before the download.

    What is there of an earlier run is kept. Raises ``OSError``, and removes the part, when there is no room for it.
    """
    with part.open("ab") as stream:
        try:
            if stream.tell() != size:
                _marks(part).unlink(missing_ok=True)
                stream.truncate(0)
                if size and sys.platform == "linux":
                    os.posix_fallocate(stream.fileno(), 0, size)
                else:
                    stream.truncate(size)
        except OSError:
            discard(part)
            raise


def discard(part: Path) -> None:
    """Forget a partial download."""
    _marks(part).unlink(missing_ok=True)
    part.unlink(missing_ok=True)


def deliver(part: Path, target: Path) -> None:
    """Move a completed download to where it belongs."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)
    _marks(part).unlink(missing_ok=True)


def _marks(part: Path) -> Path:
    # The size is in the name: another release may count in other blocks.
    return part.with_name(f"{part.name}.{BLOCK}.done")


def _completed(part: Path) -> set[int]:
    """The numbers of the blocks that are here."""
    try:
        text = _marks(part).read_text()
    except FileNotFoundError:
        return set()
    return {int(line) for line in text.split("\n") if line.isdecimal()}


def _missing(done: set[int], size: int) -> Iterator[tuple[int, int]]:
    """The spans that are still to be fetched, none longer than a piece."""
    wanted = [block for block in range(math.ceil(size / BLOCK)) if block not in done]
    for _, run in groupby(enumerate(wanted), lambda numbered: numbered[1] - numbered[0]):
        blocks = [block for _, block in run]
        for first in range(0, len(blocks), PIECE // BLOCK):
            last = blocks[min(first + PIECE // BLOCK, len(blocks)) - 1]
            yield blocks[first] * BLOCK, min(size, (last + 1) * BLOCK)
