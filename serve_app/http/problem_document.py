"""The form of an error on the wire (RFC 9457), for those who write it and those who read it."""

from __future__ import annotations

import json
from typing import Any

MEDIA_TYPE = "application/problem+json"


def problem(slug: str, title: str, status: int, detail: str, **more: Any) -> dict[str, Any]:
    """The document. ``slug`` is the last part of its stable ``type``; ``more`` are members of its own."""
    return {"type": f"urn:masquerade:problem:{slug}", "title": title, "status": status, "detail": detail, **more}


def encoded(slug: str, title: str, status: int, detail: str, **more: Any) -> bytes:
    """The document as JSON, for those who answer before the gateway."""
    return json.dumps(problem(slug, title, status, detail, **more)).encode()
