"""Answers that a browser may keep, but asks about each time: what lies at a fixed address changes with a promotion or an upgrade."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

REVALIDATE = {"Cache-Control": "no-cache"}


def revalidated(request: Request, data: bytes, media_type: str) -> Response:
    """``data``, or 304 where the client has them already (RFC 9110, section 13.1.2)."""
    tag = f'"{hashlib.sha256(data).hexdigest()}"'
    headers = REVALIDATE | {"ETag": tag}
    known = ",".join(request.headers.getlist("if-none-match")).split(",")
    # Whoever packed the answer on its way calls the tag a weak one.
    if any(entry.strip().removeprefix("W/") in {tag, "*"} for entry in known):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


class RevalidatedFiles(StaticFiles):
    """Files of a folder; after an upgrade a browser must not mix old ones with new ones."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(REVALIDATE)
        return response
