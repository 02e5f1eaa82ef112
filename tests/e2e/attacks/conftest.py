"""What strangers try, against the real studio: each attempt is refused in good time, and everybody else is served on.

Forged tokens and keys outside their scopes are in ``tests/unit/serve_app/access``, bodies that trickle in
``tests/unit/serve_app/proxy/test_middlewares.py``, hostile picture bytes in ``tests/unit/deployments/imaging``.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.attacks.attempts import photo


@pytest.fixture(scope="module")
def client(studio_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=studio_url, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def still_serving(client: httpx.Client) -> Iterator[None]:
    """After every attack an honest request is served."""
    yield
    assert client.post("/v1/moderate", files={"image": photo()}).status_code == 200
