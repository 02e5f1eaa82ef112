"""Access control of the HTTP API: who calls, whether they may, and how often; decided before the body is read."""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.access.keys import FORM, KeyBook
from serve_app.access.scopes import ADMIN, required
from serve_app.database import unreachable
from serve_app.http import problems
from serve_app.http.asgi import HttpMiddleware
from serve_app.rates import Buckets, Want
from serve_app.settings import Settings

ANYONE = "anyone"

# How a key is sent, in OpenAPI's words.
SCHEME_NAME = "key"
SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key of `masquerade keys create` that has the scope, or the admin key, which opens everything",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not the one asked for: ``slug`` names the problem, ``retry_after`` is in whole seconds.

    ``caller`` is for the log: a key's id, or ``shown:`` and the id that a key which opens nothing claims to have.
    """

    status: int
    slug: str
    title: str
    detail: str
    retry_after: int | None = None
    caller: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        if self.status == 401:
            return {"WWW-Authenticate": 'Bearer realm="masquerade"'}
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call it is, :data:`ANYONE`, ``admin`` or a key's id, and what ``scopes`` they have; None where all is open."""

    name: str
    scopes: frozenset[str] | None = None


class Guard:
    """Decides by scope, key and rate. The admin key of the settings opens everything and is not rate-limited."""

    def __init__(self, settings: Settings, keys: KeyBook, buckets: Buckets) -> None:
        self._admin_key = None if settings.admin_key is None else settings.admin_key.get_secret_value().encode()
        self._required = settings.keys_required
        self._keys = keys
        self._buckets = buckets

    async def admit(self, method: str, path: str, authorization: str) -> Caller | Refusal:
        """Whose call this is, or why it is refused."""
        scope = required(method, path)
        if scope is None:
            return Caller(ANYONE)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return self._anonymous(method, scope)
        if self._admin_key is not None and hmac.compare_digest(token.strip().encode(), self._admin_key):
            return Caller(ADMIN)
        key = await self._keys.find(token.strip())
        if key is None:
            shown = FORM.fullmatch(token.strip())
            claimed = None if shown is None else f"shown:{shown.group(1)}"
            return _unauthorized("This key is not valid here, or not any more.", claimed)
        if scope not in key.scopes:
            return Refusal(403, "forbidden", "Forbidden", lacking(scope), caller=key.id)
        wait = (await self._buckets.take([Want(f"key:{key.id}", key.rate)]))[0]
        if wait:
            detail = f"This key may make {key.rate.per_s * 60:.0f} calls a minute, {key.rate.burst} at once."
            return Refusal(429, "rate-limited", "Too many calls", detail, max(1, math.ceil(wait)), key.id)
        return Caller(key.id, frozenset(key.scopes))

    def keys_for(self, method: str, path: str) -> list[dict[str, list[str]]]:
        """What a call needs, as OpenAPI's ``security``: a key with a scope, that or nothing, or nothing at all."""
        scope = required(method, path)
        if scope is None:
            return []
        by_key: dict[str, list[str]] = {SCHEME_NAME: [scope]}
        return [by_key] if isinstance(self._anonymous(method, scope), Refusal) else [{}, by_key]

    def _anonymous(self, method: str, scope: str) -> Caller | Refusal:
        if scope == ADMIN:
            if self._admin_key is None and not self._required and method in {"GET", "HEAD"}:
                return Caller(ANYONE)
            if self._admin_key is None:
                return _unauthorized("The admin API is off: this studio has no admin key (MASQUERADE_ADMIN_KEY).")
            return _unauthorized("This call needs the admin key.")
        if self._required:
            return _unauthorized("This call needs a key: Authorization: Bearer mq_…")
        return Caller(ANYONE)


class GuardedApp(HttpMiddleware):
    """Puts a :class:`Guard` before an application; who calls is then in ``request.state``: ``caller`` and ``scopes``."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        super().__init__(app)
        self._guard = guard

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        # The path that is routed by. ``request.url`` is built from the Host header, which the client chooses.
        path, authorization = scope["path"], request.headers.get("authorization", "")
        try:
            answer = await self._guard.admit(request.method, path, authorization)
        except Exception as error:
            if not unreachable(error):
                raise
            response = await problems.unexpected(request, error)
            await response(scope, receive, send)
            return
        if isinstance(answer, Caller):
            request.state.caller, request.state.scopes = answer.name, answer.scopes
            await self._app(scope, receive, send)
            return
        request.state.caller = answer.caller
        response = problems.respond(
            request, answer.slug, answer.title, answer.status, answer.detail, answer.headers | {"Connection": "close"}
        )
        await response(scope, receive, send)


def lacking(scope: str) -> str:
    """What somebody is told whose key lacks ``scope``."""
    return f"This key does not open {scope!r}."


def _unauthorized(detail: str, caller: str | None = None) -> Refusal:
    return Refusal(401, "unauthorized", "Unauthorized", detail, caller=caller)
