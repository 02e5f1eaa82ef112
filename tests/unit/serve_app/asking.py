"""How tests of the gateway ask and order, and what they read of a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from serve_app.settings import Settings
from tests.eventually import at_last

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


def submit(client: TestClient, photo: bytes = FINE, **fields: Any) -> Any:
    """The answer to the order of a job."""
    return client.post("/v1/jobs", files={"image": photo}, data=fields)


def ended(client: TestClient, job_id: str) -> dict[str, Any]:
    """The job's state once it is no longer queued or running."""

    def state() -> dict[str, Any] | None:
        told: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        return None if told["state"] in {"queued", "running"} else told

    return at_last(state)


def masterpiece(client: TestClient, style_image: bytes | None = None, **fields: str) -> Any:
    files = {"image": FINE} | ({"style_image": style_image} if style_image else {})
    return client.post("/v1/jobs", files=files, data={"kind": "masterpiece"} | fields)


def stored(settings: Settings) -> list[Path]:
    """The files of the object store."""
    return sorted(path for path in (settings.data_folder / "objects").rglob("*") if path.is_file())
