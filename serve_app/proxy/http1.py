"""HTTP/1.1 as it should be, at the proxy: requests that are none are turned away, and every answer arrives.

uvicorn waits for the end of a request's head as long as it takes, and keeps whatever comes before it; Serve has no setting
for either. This protocol gives both a limit (Slowloris; CWE-400). What it refuses no application ever sees, so the
problem documents are written here.

uvicorn also closes a connection as soon as an answer is written, though the client may still be sending: its system then
throws the answer away, unread (RFC 9112, section 9.6). Here such a client is listened to for a while.

And it takes what follows a request that offers another protocol (``Upgrade: h2c``, as Java and ``curl --http2`` do) for words of
that protocol: a form that was sent with the offer arrived without its body. Here every offer is passed over, WebSockets included.
"""

from __future__ import annotations

import asyncio
import re
import socket
import uuid
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, ClassVar, cast

import httptools
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serve_app.http.problem_document import MEDIA_TYPE, encoded

_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
_DETAILS = {
    HTTPStatus.BAD_REQUEST: "This is not HTTP/1.1 as it should be.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    _LARGE: "The request's address and headers are too long.",
}

# The characters of a name or an address, and a port (RFC 3986, section 3.2.2).
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")


class _Part(Enum):
    """What of a request is to come next."""

    NONE = auto()
    HEAD = auto()
    BODY = auto()


class PunctualHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 whose heads must be whole within ``head_s`` seconds and ``head_bytes`` bytes: 408 and 431.

    A client that was answered before it had sent everything is listened to until it is silent for ``silence_s`` seconds, for
    ``linger_s`` at most (nginx has the same numbers). One that reads nothing of an answer for ``unread_s`` seconds is hung
    up on; where the system offers no such limit, as macOS does not, it has as long as it likes.
    """

    head_s: ClassVar[float] = 10.0
    head_bytes: ClassVar[int] = 64 * 1024
    silence_s: ClassVar[float] = 5.0
    linger_s: ClassVar[float] = 30.0
    unread_s: ClassVar[float] = 30.0

    _deadline: asyncio.TimerHandle | None = None
    # Bytes that came since a head was expected, and those of them that the parser took for its address and headers.
    _seen = 0
    _held = 0
    _part = _Part.NONE
    _has_id = False
    # This head offers a protocol that is not spoken here, and is to be read again without the offer.
    _offers = False
    _unanswered = 0
    # What the client is told once the requests before are answered.
    _refusal: HTTPStatus | None = None
    # Until when (the loop's time) a client is listened to that has had its last answer.
    _leaving: float | None = None
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.parser = cast(httptools.HttpRequestParser, _Parser(self))
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = round(1000 * self.unread_s)
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_whole()
        self._lose_patience(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._leaving is not None:
            self._lose_patience(min(self.silence_s, self._leaving - self.loop.time()))
        if self._leaving is not None or self._refusal is not None:
            return
        expected = self._deadline
        super().data_received(data)
        # Where a head began in the middle of this, what came before it belongs to the request before.
        if self._deadline is not None and self._deadline is expected:
            self._seen += len(data)
            if self._seen > self.head_bytes:
                self._refuse(_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part, self._has_id, self._offers = _Part.HEAD, False, False
        if self._deadline is None:
            self._expect_head()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        # What follows a body (trailers) is no part of the head, which the application may have judged already.
        if self._part is not _Part.HEAD:
            return
        # A request has one id: of several, one would be answered and another logged.
        if name.lower() == b"x-request-id":
            if self._has_id:
                return
            self._has_id = True
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and version != "1.0") or not all(map(_HOST.fullmatch, hosts)):
            raise ValueError("one host has to be named (RFC 9112, section 3.2)")
        # To the parser, what follows a CONNECT is another protocol whether one is offered or not.
        self._offers = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if self._offers:
            return
        # An old client knows of no answer but the last.
        self.expect_100_continue = self.expect_100_continue and version != "1.0"
        super().on_headers_complete()
        self._head_is_whole()
        self._part = _Part.BODY
        self._unanswered += 1
        self.cycle.transport = cast(asyncio.Transport, _Line(self))

    def on_message_complete(self) -> None:
        if self._offers:
            return
        super().on_message_complete()
        self._part = _Part.NONE
        if self._patience is not None:
            # It was answered before: the next request is awaited from now on.
            self._lose_patience(None)
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        self._unanswered -= 1
        super().on_response_complete()
        if self.is_leaving:
            self._unset_keepalive_if_required()
        elif self._refusal is not None and not self._unanswered:
            self._turn_away(self._refusal)
        elif self._part is _Part.BODY and not self._unanswered:
            self._lose_patience(self.linger_s)

    def send_400_response(self, msg: str) -> None:
        self._refuse(_LARGE if self._held > self.head_bytes else HTTPStatus.BAD_REQUEST)

    def _should_upgrade(self) -> bool:
        # Nothing here speaks WebSocket, and no limit of this protocol would hold for it.
        return False

    def without_offer(self) -> bytes | None:
        """The head that has just ended, without what it offers; None where it offers nothing that is to be passed over."""
        if not self._offers:
            return None
        self._held = 0
        first = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        fields = [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join([first, *fields, b"", b""])

    @property
    def is_leaving(self) -> bool:
        """Nothing is said any more."""
        return self._leaving is not None or self.transport.is_closing()

    def leave(self) -> None:
        """Close the connection behind what was said: at once, or when a client that is still speaking had time to read it."""
        if self.is_leaving:
            return
        self._head_is_whole()
        self._unset_keepalive_if_required()
        heard = self._part is _Part.NONE and not self.pipeline and self._refusal is None
        self.pipeline.clear()
        if heard or not self.transport.can_write_eof():
            self.transport.close()
            return
        self._leaving = self.loop.time() + self.linger_s
        self.transport.write_eof()
        self.flow.resume_reading()
        self._lose_patience(self.silence_s)

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

    def _lose_patience(self, seconds: float | None) -> None:
        """Hang up after so long, and no longer after what was said before; None: do not."""
        if self._patience is not None:
            self._patience.cancel()
        self._patience = None if seconds is None else self.loop.call_later(max(0.0, seconds), self.transport.close)

    def _refuse(self, status: HTTPStatus) -> None:
        """Listen no more, and say why when the requests before are answered."""
        self._head_is_whole()
        if self.is_leaving or self._refusal is not None:
            return
        self._refusal = status
        if self._part is _Part.BODY and not self._give_up(self.cycle):
            self.leave()
        elif not self._unanswered:
            self._turn_away(status)

    def _give_up(self, cycle: RequestResponseCycle) -> bool:
        """Drop the request whose body is refused; False where its answer has begun: there cannot be another."""
        # Its application, where there is one at work, hears that the client is gone.
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            return False
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
        self._unanswered -= 1
        self.cycle = cast(RequestResponseCycle, None)  # As before the first.
        return True

    def _turn_away(self, status: HTTPStatus) -> None:
        request_id = str(uuid.uuid4())
        slug = status.phrase.lower().replace(" ", "-")
        body = encoded(slug, status.phrase, status, _DETAILS[status], instance=f"urn:request:{request_id}")
        head = (
            f"HTTP/1.1 {status:d} {status.phrase}\r\nconnection: close\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.leave()


class _Parser:
    """httptools' parser, which hears the bodies of requests that offer another protocol, and the requests behind them."""

    def __init__(self, protocol: PunctualHttp) -> None:
        self._protocol = protocol
        self._parser = self._fresh()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                head = self._protocol.without_offer()
                if head is None:
                    raise
                # The one that heard the offer believes that the connection ends with it, where the client wanted that.
                self._parser = self._fresh()
                self._parser.feed_data(head)
                rest = rest[offer.args[0] :]
            else:
                return

    def _fresh(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self._protocol)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # As uvicorn's.
        return parser


class _Line:
    """What answers a request has of its connection."""

    def __init__(self, protocol: PunctualHttp) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.is_leaving

    def close(self) -> None:
        self._protocol.leave()


def install() -> None:
    """Make it the protocol of every uvicorn that this process starts from now on."""
    HTTP_PROTOCOLS["auto"] = f"{PunctualHttp.__module__}:{PunctualHttp.__qualname__}"
