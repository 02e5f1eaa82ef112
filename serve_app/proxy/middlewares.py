"""What every request meets at Serve's proxy, before a replica is troubled with it.

Serve obeys some request headers (a time limit of the client's choosing, none at all, a replica to go to) and believes the
request id it is given; strangers get no say in the first and a checked form of the second. Serve loads
:func:`middlewares` in every proxy (``RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH``).
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.errors import Busy, Unavailable
from serve_app.http.asgi import HttpMiddleware
from serve_app.http.problem_document import MEDIA_TYPE, encoded
from serve_app.proxy import listening, request_heads
from serve_app.proxy.replay import Replay

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")

# A client may shorten its own time, as one of ours does that retries within a deadline.
TIME_LIMIT = re.compile(rb"[0-9]{1,4}(\.[0-9]{1,3})?")

# Time without end, replicas of the client's choosing, and traces that are always recorded.
FORBIDDEN = re.compile(rb"x-request-disconnect-disabled|serve-.*|x-serve-.*|x-session-id|traceparent|tracestate")

# A body may take this long, and longer as long as it keeps coming at this pace: slower than any telephone.
GRACE_S = 20.0
BYTES_PER_S = 16 * 1024

# After how many seconds to come again, where Serve does not say.
RETRY_AFTER_S = 5

Clock = Callable[[], float]


class ServeAnswers(HttpMiddleware):
    """Makes problem documents of what Serve answers by itself, in plain text: no room, no time left, no such path.

    Its 408 is about its own patience and not about a slow client: to the client that is 503. Every answer from here, whoever
    gives it, carries the request's id.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = MutableHeaders(scope=scope).setdefault("x-request-id", str(uuid.uuid4()))
        body: bytes | None = None
        told = False

        async def retold(message: Message) -> None:
            nonlocal body, told
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                headers.setdefault("x-request-id", request_id)
                status = message["status"]
                if status >= 400 and headers.get("content-type", "").startswith("text/plain"):
                    status = Unavailable.status if status == HTTPStatus.REQUEST_TIMEOUT else status
                    body = _own_problem(status, request_id)
                    headers["content-type"], headers["content-length"] = MEDIA_TYPE, str(len(body))
                    if status in {Busy.status, Unavailable.status}:
                        headers.setdefault("retry-after", str(RETRY_AFTER_S))
                message = {**message, "status": status, "headers": headers.raw}
            elif body is not None:
                if told:
                    return
                told = True
                message = {"type": "http.response.body", "body": body}
            await send(message)

        await self._app(scope, receive, retold)


class CleanHeaders(HttpMiddleware):
    """Drops what steers Serve, and a request id that is not a plain word; Serve then makes one."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if _is_fine(name, value)]
        await self._app({**scope, "headers": headers}, receive, send)


class BodyPace(HttpMiddleware):
    """Answers 408 and hangs up on a body that trickles; the replica that was waiting for it is free again."""

    def __init__(
        self,
        app: ASGIApp,
        grace_s: float = GRACE_S,
        bytes_per_s: float = BYTES_PER_S,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(app)
        self._grace_s = grace_s
        self._bytes_per_s = bytes_per_s
        self._clock = clock

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = self._clock()
        seen, whole, answered, hung_up = 0, False, False, False

        async def paced() -> Message:
            nonlocal seen, whole, answered, hung_up
            if whole or hung_up:
                return {"type": "http.disconnect"} if hung_up else await receive()
            left = began + self._grace_s + seen / self._bytes_per_s - self._clock()
            try:
                async with asyncio.timeout(max(0.0, left)):
                    message = await receive()
            except TimeoutError:
                hung_up = True
                if not answered:
                    answered = True
                    await _answer_timeout(send, MutableHeaders(scope=scope).get("x-request-id"))
                return {"type": "http.disconnect"}
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        async def once(message: Message) -> None:
            nonlocal answered
            if hung_up:
                return
            answered = True
            await send(message)

        await self._app(scope, paced, once)


def middlewares() -> list[Middleware]:
    """What Serve puts around each of its proxies, the innermost first; called before it listens."""
    request_heads.install()
    listening.install()
    return [Middleware(Replay), Middleware(BodyPace), Middleware(ServeAnswers), Middleware(CleanHeaders)]


def _is_fine(name: bytes, value: bytes) -> bool:
    # Proxies on the way may have turned one separator into the other, and Serve takes both.
    name = name.lower().replace(b"_", b"-")
    if name == b"x-request-id":
        return REQUEST_ID.fullmatch(value) is not None
    if name == b"x-request-timeout-seconds":
        return TIME_LIMIT.fullmatch(value) is not None and float(value) > 0
    return FORBIDDEN.fullmatch(name) is None


def _own_problem(status: int, request_id: str) -> bytes:
    phrase = HTTPStatus(status).phrase
    slug, title, detail = {
        Busy.status: (Busy.slug, Busy.title, "Too many people are here right now."),
        Unavailable.status: (Unavailable.slug, Unavailable.title, "The studio could not answer in time."),
    }.get(status, (phrase.lower().replace(" ", "-"), phrase, phrase))
    return encoded(slug, title, status, detail, instance=f"urn:request:{request_id}")


async def _answer_timeout(send: Send, request_id: str | None) -> None:
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 408, "headers": headers})
    instance = {"instance": f"urn:request:{request_id}"} if request_id else {}
    body = encoded("request-timeout", "Request Timeout", 408, "The request did not arrive in time.", **instance)
    await send({"type": "http.response.body", "body": body})
