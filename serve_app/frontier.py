"""What every request meets at Serve's proxy, before a replica is troubled with it.

Serve obeys some request headers (a time limit of the client's choosing, none at all, a replica to go to) and believes the
request id it is given; strangers get no say in the first and a checked form of the second. Serve loads
:func:`middlewares` in every proxy (``RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH``).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app import heads
from serve_app.replay import Replay

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")

# A client may shorten its own time, as one of ours does that retries within a deadline.
TIME_LIMIT = re.compile(rb"[0-9]{1,4}(\.[0-9]{1,3})?")

# Time without end, replicas of the client's choosing, and traces that are always recorded.
FORBIDDEN = re.compile(rb"x-request-disconnect-disabled|serve-.*|x-serve-.*|x-session-id|traceparent|tracestate")

# A body may take this long, and longer as long as it keeps coming at this pace: slower than any telephone.
GRACE_S = 20.0
BYTES_PER_S = 16 * 1024

Clock = Callable[[], float]


class CleanHeaders:
    """Drops what steers Serve, and a request id that is not a plain word; Serve then makes one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if _is_fine(name, value)]}
        await self._app(scope, receive, send)


class BodyPace:
    """Answers 408 and hangs up on a body that trickles; the replica that was waiting for it is free again."""

    def __init__(
        self,
        app: ASGIApp,
        grace_s: float = GRACE_S,
        bytes_per_s: float = BYTES_PER_S,
        clock: Clock = time.monotonic,
    ) -> None:
        self._app = app
        self._grace_s = grace_s
        self._bytes_per_s = bytes_per_s
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
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
                    await _answer_timeout(send)
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
    """What Serve puts around each of its proxies, the innermost first; called in the proxy before it listens."""
    heads.install()
    return [Middleware(Replay), Middleware(BodyPace), Middleware(CleanHeaders)]


def _is_fine(name: bytes, value: bytes) -> bool:
    # Proxies on the way may have turned one separator into the other, and Serve takes both.
    name = name.lower().replace(b"_", b"-")
    if name == b"x-request-id":
        return REQUEST_ID.fullmatch(value) is not None
    if name == b"x-request-timeout-seconds":
        return TIME_LIMIT.fullmatch(value) is not None and float(value) > 0
    return FORBIDDEN.fullmatch(name) is None


async def _answer_timeout(send: Send) -> None:
    problem = {
        "type": "urn:masquerade:problem:request-timeout",
        "title": "Request Timeout",
        "status": 408,
        "detail": "The request did not arrive in time.",
    }
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 408, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
