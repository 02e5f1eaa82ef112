"""Files behind https addresses."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from registry.errors import SourceFailed
from registry.integrity import sha256_of
from registry.manifest import HttpsUrl, UrlSource
from registry.sources.archive import extract
from registry.sources.context import MAX_ARCHIVE_BYTES, Context, Wanted
from registry.sources.partial import Interrupted, PartialFile, persist

_TIMEOUT_S = 30.0
_CHUNK = 256 * 1024
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})


def fetch(source: UrlSource, target: Path, wanted: Wanted, context: Context) -> UrlSource:
    """Download to ``target``, resuming what an earlier run left. Raises :class:`SourceFailed`."""
    if source.member is not None:
        archive = context.archives.get(source.url) or _archive(source, context)
        extract(archive, source.member, target, wanted.limit)
        return source
    part = PartialFile(context, f"{source.url} {wanted.sha256}", label=wanted.name, limit=wanted.limit)
    try:
        _complete(part, source.url, wanted)
        part.deliver(target)
    finally:
        part.close()
    return source


def _archive(source: UrlSource, context: Context) -> Path:
    label = Path(urlsplit(source.url).path).name
    part = PartialFile(context, source.url, label=label, limit=MAX_ARCHIVE_BYTES)
    # The lock is held, and the archive stays, until the pull has taken every file out of it.
    context.cleanup.callback(part.discard)
    _complete(part, source.url, Wanted(label, (source,), MAX_ARCHIVE_BYTES))
    context.archives[source.url] = part.path
    return part.path


def _complete(part: PartialFile, url: str, wanted: Wanted) -> None:
    """Bring the part to its end, and to the right hash where one is known."""
    # Without a hash to tell in the end, bytes of another day must not be mixed with today's.
    if wanted.sha256 is None:
        part.restart()
    resumed = part.size > 0
    transfer = _Transfer(part, url, wanted)
    persist(part, transfer)
    part.flush()
    if wanted.sha256 is None or sha256_of(part.path) == wanted.sha256:
        return
    part.restart()
    if not resumed:
        raise SourceFailed("delivers other content than the manifest vouches for")
    _complete(part, url, wanted)


class _Transfer:
    """One attempt after another at the rest of a file. ``validator`` ties them to one state of it on the server."""

    def __init__(self, part: PartialFile, url: str, wanted: Wanted) -> None:
        self._part, self._url, self._wanted = part, url, wanted
        self._validator: str | None = None

    def __call__(self) -> None:
        part = self._part
        if self._wanted.size is not None and part.size >= self._wanted.size:
            if part.size == self._wanted.size:
                return
            part.restart()
        try:
            with _OPENER.open(self._request(), timeout=_TIMEOUT_S) as response:
                self._receive(response)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.restart()
            elif error.code not in _MAY_PASS:
                raise SourceFailed(f"answers {error.code} {error.reason}") from error
            raise Interrupted(f"answers {error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            raise Interrupted(f"cannot be reached ({error.reason})") from error
        except TimeoutError as error:
            raise Interrupted(f"sent nothing for {_TIMEOUT_S:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"broke off ({error or type(error).__name__})") from error

    def _request(self) -> urllib.request.Request:
        request = urllib.request.Request(self._url, headers={"User-Agent": "masquerade", "Accept-Encoding": "identity"})  # noqa: S310 -- https by the manifest's rule
        if self._part.size:
            request.add_header("Range", f"bytes={self._part.size}-")
            if self._validator:
                request.add_header("If-Range", self._validator)
        return request

    def _receive(self, response: http.client.HTTPResponse) -> None:
        part, length = self._part, response.headers.get("Content-Length", "")
        part.total = int(length) if length.isdecimal() else None
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
            if span is None or int(span[1]) != part.size:
                part.restart()
                raise Interrupted("answers with another part of the file than asked for")
            part.total = int(span[2])
        elif part.size:
            part.restart()
        etag = response.headers.get("ETag", "")
        self._validator = etag if etag.startswith('"') else response.headers.get("Last-Modified")
        if part.total is not None:
            self._wanted.check_offer(part.total)
        while chunk := response.read1(_CHUNK):
            part.write(chunk)
        end = part.total if part.total is not None else self._wanted.size
        if end is not None and part.size != end:
            raise Interrupted(f"broke off after {part.size:,} of {end:,} bytes")


class _TrustworthyRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from https to an address the manifest itself could not name."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            _HTTPS_URL.validate_python(newurl)
        except ValidationError as error:
            raise SourceFailed("redirects to an address that is not https") from error
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_HTTPS_URL: TypeAdapter[str] = TypeAdapter(HttpsUrl)
_OPENER = urllib.request.build_opener(_TrustworthyRedirects)
