"""What is behind the door: administration, the cluster, and secrets."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.attacks.attempts import photo, problem
from tests.e2e.conftest import Studio


@pytest.mark.parametrize("token", [None, "mq_000000000000_" + "A" * 43, "' OR 1=1 --", "null", "a" * 7000])
@pytest.mark.parametrize("call", ["promote", "canary", "rollback"])
def test_the_admin_api_is_shut_to_those_without_the_key(client: httpx.Client, call: str, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    assert problem(client.post(f"/v1/models/style-lean/{call}", headers=headers)) == 401


def test_ray_lets_nobody_in_without_its_token(studio: Studio, tmp_path: Path) -> None:
    """The control store tells a process with the token of this studio what it holds, and one with another nothing."""
    (tmp_path / "token").write_text("0" * 64)
    code = (
        f"from ray._raylet import GcsClient as C; C('{studio.ray_address()}').internal_kv_keys(b'', None, timeout=10)"
    )
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray/auth_token"))
    assert token.stat().st_mode & 0o077 == 0, "nobody else on this machine can read the token"

    def ask(token: Path) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "", "HOME": str(tmp_path), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    assert ask(token).returncode == 0
    refused = ask(tmp_path / "token")
    assert refused.returncode != 0
    assert "token" in refused.stderr.lower()


def test_no_page_of_the_cluster_answers_other_machines(studio: Studio) -> None:
    assert studio.url.startswith("http://127.0.0.1:")
    answers = {}
    for name, port in sorted(studio.open_ports()):
        for path in ("/", "/v1/models", "/api/version", "/api/jobs/", "/api/serve/applications/"):
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=3)
            except httpx.HTTPError:
                continue  # speaks another protocol, or nothing to strangers
            # Numbers for Prometheus, whatever the path, are for the network's own firewall to guard.
            if answer.status_code < 400 and not answer.text.startswith("# HELP"):
                answers[name, port, path] = answer.text[:200]
    assert answers == {}


def ray_token() -> bytes:
    """What lets a driver into Ray here."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray/auth_token")
    return os.environ.get("RAY_AUTH_TOKEN", Path(named).read_text()).strip().encode()


def test_no_secret_stands_in_any_log_of_a_run(client: httpx.Client, studio: Studio) -> None:
    secret = "mq_00000000abcd_" + "S" * 43
    client.get("/v1/models", headers={"Authorization": f"Bearer {secret}"})
    client.get("/v1/styles", params={"token": "hunter2-in-a-query"})
    client.post("/v1/moderate", files={"image": ("diary-of-alice.jpg", photo())})
    logs = studio.logs()
    assert logs
    for path in logs:
        text = path.read_bytes()
        for private in (secret.encode(), b"hunter2-in-a-query", b"diary-of-alice", ray_token()):
            assert private not in text, path.name


def test_nobody_else_on_the_machine_can_read_what_a_studio_writes(client: httpx.Client, studio: Studio) -> None:
    order = client.post("/v1/jobs", data={"kind": "moderate"}, files={"image": ("photo.jpg", photo())}).json()["id"]
    assert client.get(f"/v1/jobs/{order}").status_code == 200

    def open_to_others(path: Path) -> bool:
        # Whoever cannot enter a folder reads nothing in it.
        within = [path, *(parent for parent in path.parents if parent.name.startswith("session_"))]
        return all(part.stat().st_mode & stat.S_IRWXO for part in within)

    database = [*studio.folder.glob("masquerade.db*")]
    logs = [path for path in studio.logs() if path.parent != studio.folder]
    assert database
    assert logs
    assert not [path for path in database + logs if open_to_others(path)]


def test_the_logs_name_no_job_so_that_its_reader_could_have_its_result(client: httpx.Client, studio: Studio) -> None:
    order = client.post("/v1/jobs", data={"kind": "moderate"}, files={"image": ("photo.jpg", photo())}).json()["id"]
    assert client.get(f"/v1/jobs/{order}").status_code == 200
    told = [path.name for path in studio.logs() if order.encode() in path.read_bytes()]
    assert not told
