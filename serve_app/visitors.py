"""Who is asking, as far as choosing between versions goes: a name that is hashed and never leaves this process.

The gateway takes the key a request was authorised with together with the ``X-User`` header a site in front may set for
its own users; where there is neither, the request's id (a stranger is somebody new each time). A job is for whoever
handed it in. The bot takes its user's id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from serve_app.access.guard import ANYONE
from serve_app.http.asgi import HttpMiddleware

_visitor: ContextVar[str | None] = ContextVar("visitor", default=None)


def visitor() -> str | None:
    """The pseudonym of whoever the current work is for; None for nobody in particular."""
    return _visitor.get()


def pseudonym(name: str) -> str:
    """The hash that stands for somebody called ``name``."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


@contextmanager
def visiting(who: str) -> Iterator[None]:
    """The block, and what it starts, works for whoever has this :func:`pseudonym`."""
    token = _visitor.set(who)
    try:
        yield
    finally:
        _visitor.reset(token)


class Visitors(HttpMiddleware):
    """ASGI middleware that says for whom each request is. It stands behind the guard, which knows the caller."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        caller, user = scope.get("state", {}).get("caller", ANYONE), headers.get("x-user", "")
        known = user or caller != ANYONE
        with visiting(pseudonym(f"{caller}:{user}" if known else headers.get("x-request-id", ""))):
            await self._app(scope, receive, send)
