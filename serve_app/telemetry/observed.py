"""Counts, times and logs every HTTP request once, whatever becomes of it."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from serve_app.http.asgi import HttpMiddleware
from serve_app.telemetry.logs import request_id
from serve_app.telemetry.metrics import feature, metrics

log = logging.getLogger(__name__)

# Longer paths are nobody's but a scanner's.
SHOWN = 120

# What a client that hung up before its answer is counted under, after nginx.
GONE = 499


class Observed(HttpMiddleware):
    """Counts and logs around an application. A query string is never written down."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), GONE
        token = request_id.set(Headers(scope=scope).get("x-request-id"))

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except (ClientDisconnect, OSError):
            raise
        except Exception:
            # The server answers what got so far with 500, unless an answer has begun.
            status = 500 if status == GONE else status
            raise
        finally:
            seconds, name = time.perf_counter() - began, feature(scope["path"])
            metrics().requests.inc(tags={"feature": name, "status": str(status)})
            metrics().request_seconds.observe(seconds, tags={"feature": name})
            if name != "probe":
                caller = scope.get("state", {}).get("caller")
                what = {"method": scope["method"], "path": scope["path"][:SHOWN], "status": status, "caller": caller}
                log.info("request", extra=what | {"ms": round(seconds * 1000, 1)})
            request_id.reset(token)
