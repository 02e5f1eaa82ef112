"""Request heads that trickle, never end or are none, turned away at the proxy.

uvicorn waits for the end of a request's head as long as it takes, and keeps whatever comes before it; Serve has no setting
for either. This protocol gives both a limit (Slowloris; CWE-400). What it refuses no application ever sees, so the
problem documents are written here.
"""

from __future__ import annotations

import asyncio
import uuid
from http import HTTPStatus
from typing import ClassVar

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serve_app.http.problem_document import MEDIA_TYPE, encoded

_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
_DETAILS = {
    HTTPStatus.BAD_REQUEST: "This is not HTTP/1.1 as it should be.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    _LARGE: "The request's address and headers are too long.",
}


class PunctualHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 whose heads must be whole within ``head_s`` seconds and ``head_bytes`` bytes: 408 and 431."""

    head_s: ClassVar[float] = 10.0
    head_bytes: ClassVar[int] = 64 * 1024

    _deadline: asyncio.TimerHandle | None = None
    # Bytes that came since a head was expected, and those of them that the parser took for its address and headers.
    _seen = 0
    _held = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        expected = self._deadline
        super().data_received(data)
        # Where a head began in the middle of this, what came before it belongs to the request before.
        if self._deadline is not None and self._deadline is expected:
            self._seen += len(data)
            if self._seen > self.head_bytes:
                self._refuse(_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._expect_head()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_is_whole()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(_LARGE if self._held > self.head_bytes else HTTPStatus.BAD_REQUEST)

    def _count(self, size: int) -> None:
        """Weigh what the parser found, for a head may also come whole, in one piece. An error here ends the parsing."""
        self._held += size
        if self._held > self.head_bytes:
            raise ValueError("the head is too large")

    def _expect_head(self) -> None:
        self._seen = self._held = 0
        self._deadline = self.loop.call_later(self.head_s, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _head_is_whole(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus) -> None:
        self._head_is_whole()
        if self.transport.is_closing():
            return
        request_id = str(uuid.uuid4())
        slug = status.phrase.lower().replace(" ", "-")
        body = encoded(slug, status.phrase, status, _DETAILS[status], instance=f"urn:request:{request_id}")
        head = (
            f"HTTP/1.1 {status:d} {status.phrase}\r\nconnection: close\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def install() -> None:
    """Make it the protocol of every uvicorn that this process starts from now on."""
    HTTP_PROTOCOLS["auto"] = f"{PunctualHttp.__module__}:{PunctualHttp.__qualname__}"
