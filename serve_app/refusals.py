"""Problem documents of those who answer before the gateway: the proxy and the protocol it speaks."""

from __future__ import annotations

import json

PROBLEM = "application/problem+json"


def document(slug: str, title: str, status: int, detail: str, **more: str) -> bytes:
    """An RFC 9457 problem as JSON."""
    told = {"type": f"urn:masquerade:problem:{slug}", "title": title, "status": status, "detail": detail}
    return json.dumps(told | more).encode()
