"""How tests of the gateway ask, and what they read of a refusal."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from .conftest import FINE


def send(client: TestClient, path: str, photo: bytes = FINE, field: str = "image", **fields: Any) -> Any:
    return client.post(path, files={field: ("photo.jpg", photo)}, data=fields)


def problem(response: Any) -> tuple[int, str]:
    """Status and slug of a problem document that is well-formed."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["detail"]
    assert "Traceback" not in response.text
    return response.status_code, document["type"].rsplit(":", 1)[-1]
