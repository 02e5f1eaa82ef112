"""Who may see and decide what only an operator should: whoever has the admin key."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Header, HTTPException

from serve_app.settings import Settings

Guard = Callable[[str], None]


def admin_where_set(settings: Settings) -> Guard:
    """A dependency that lets everybody pass while no admin key is configured. Raises 401."""

    def guard(authorization: Annotated[str, Header()] = "") -> None:
        if settings.admin_key is not None:
            _check(authorization, settings.admin_key.get_secret_value())

    return guard


def admin_only(settings: Settings) -> Guard:
    """A dependency that lets nobody pass while no admin key is configured. Raises 401 or 403."""

    def guard(authorization: Annotated[str, Header()] = "") -> None:
        if settings.admin_key is None:
            raise HTTPException(403, "The admin interface is off; set MASQUERADE_ADMIN_KEY to switch it on.")
        _check(authorization, settings.admin_key.get_secret_value())

    return guard


def _check(authorization: str, key: str) -> None:
    given = authorization.removeprefix("Bearer ").encode()
    if not hmac.compare_digest(given, key.encode()):
        raise HTTPException(401, "This call needs the admin key.", {"WWW-Authenticate": "Bearer"})
