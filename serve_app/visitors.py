"""Who is asking, as far as choosing between versions goes: a name that is hashed and never leaves this process.

The gateway takes, in this order, the key a request was authorised with, the ``X-User`` header a site in front may set
for its own users, and the request's id (a stranger is somebody new each time). The bot takes its user's id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

_visitor: ContextVar[str | None] = ContextVar("visitor", default=None)


def visitor() -> str | None:
    """A hash that stands for whoever the current work is for; None for nobody in particular."""
    return _visitor.get()


@contextmanager
def visiting(name: str) -> Iterator[None]:
    """The block, and what it starts, works for ``name``."""
    token = _visitor.set(hashlib.sha256(name.encode()).hexdigest()[:32])
    try:
        yield
    finally:
        _visitor.reset(token)


class Visitors:
    """ASGI middleware that says for whom each request is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        names = (headers.get(name) for name in ("authorization", "x-api-key", "x-user", "x-request-id"))
        with visiting(next(filter(None, names), "")):
            await self._app(scope, receive, send)
