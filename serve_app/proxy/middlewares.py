"""What every request meets at Serve's proxy, before a replica is troubled with it.

Serve obeys some request headers (a time limit of the client's choosing, none at all, a replica to go to) and believes the
request id it is given; strangers get no say in the first and a checked form of the second. Serve loads
:func:`middlewares` in every proxy (``RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH``).
"""

from __future__ import annotations

import re
import uuid
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import Message, Receive, Scope, Send

from deployments.errors import Busy, Unavailable
from serve_app.http.asgi import HttpMiddleware
from serve_app.http.problem_document import MEDIA_TYPE, encoded
from serve_app.proxy import http1, listening
from serve_app.proxy.replay import Replay
from serve_app.proxy.slow_clients import Anteroom, BodyPace
from serve_app.settings import ProxySettings

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")

# A client may shorten its own time, as one of ours does that retries within a deadline.
TIME_LIMIT = re.compile(rb"[0-9]{1,4}(\.[0-9]{1,3})?")

# Time without end, replicas of the client's choosing, and traces that are always recorded.
FORBIDDEN = re.compile(rb"x-request-disconnect-disabled|serve-.*|x-serve-.*|x-session-id|traceparent|tracestate")

# After how many seconds to come again, where Serve does not say.
RETRY_AFTER_S = 5


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


def middlewares() -> list[Middleware]:
    """What Serve puts around each of its proxies, the innermost first; called before it listens."""
    http1.install()
    listening.install()
    most_of_one = ProxySettings().limits.form_bytes
    inwards = [
        Middleware(CleanHeaders),
        Middleware(ServeAnswers),
        Middleware(BodyPace),
        Middleware(Anteroom, most_of_one=most_of_one),
        # What it keeps the anteroom has counted.
        Middleware(Replay, most_of_one=most_of_one),
    ]
    return inwards[::-1]


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
