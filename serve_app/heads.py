"""Request heads that trickle or never end, cut off at the proxy.

uvicorn waits for the end of a request's head as long as it takes, and keeps whatever comes before it; Serve has no setting
for either. This protocol gives both a limit (Slowloris; CWE-400).
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class PunctualHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 whose heads must be whole within ``head_s`` seconds and ``head_bytes`` bytes: 408 and 431."""

    head_s: ClassVar[float] = 10.0
    head_bytes: ClassVar[int] = 64 * 1024

    _deadline: asyncio.TimerHandle | None = None
    _seen = 0

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
                self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        self._head_is_whole()
        super().on_headers_complete()

    def _expect_head(self) -> None:
        self._seen = 0
        self._deadline = self.loop.call_later(self.head_s, self._refuse, b"408 Request Timeout")

    def _head_is_whole(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: bytes) -> None:
        self._head_is_whole()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()


def install() -> None:
    """Make it the protocol of every uvicorn that this process starts from now on."""
    HTTP_PROTOCOLS["auto"] = f"{PunctualHttp.__module__}:{PunctualHttp.__qualname__}"
