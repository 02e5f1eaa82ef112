"""The gateway's door: who came in is served to the end while nobody else is let in."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.errors import Unavailable
from serve_app.http.asgi import HttpMiddleware
from serve_app.http.problem_document import MEDIA_TYPE, encoded

RETRY_AFTER_S: Final = 5


class Door:
    """Counts the requests in hand. It opens once, and closes once, for good."""

    def __init__(self) -> None:
        self._inside = 0
        self._closed = False
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def closed(self) -> bool:
        return self._closed

    def enter(self) -> None:
        self._inside += 1
        self._empty.clear()

    def leave(self) -> None:
        self._inside -= 1
        if self._inside == 0:
            self._empty.set()

    async def close(self, patience_s: float) -> bool:
        """Let nobody in any more; True once nobody is inside, False when somebody still is after ``patience_s``."""
        self._closed = True
        try:
            async with asyncio.timeout(patience_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True


class Doorkeeper(HttpMiddleware):
    """Counts who is inside, and answers 503 for the application once the door is closed."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        super().__init__(app)
        self._door = door

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._door.closed:
            await _closed()(scope, receive, send)
            return
        self._door.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._door.leave()


def _closed() -> Response:
    body = encoded(
        Unavailable.slug,
        Unavailable.title,
        Unavailable.status,
        "This studio is closing.",
        retry_after=RETRY_AFTER_S,
    )
    headers = {"Retry-After": str(RETRY_AFTER_S), "Connection": "close"}
    return Response(body, HTTPStatus.SERVICE_UNAVAILABLE, headers, MEDIA_TYPE)
