"""Files of a Hugging Face repository, from a stand-in for the hub on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("huggingface_hub")

WEIGHTS = bytes(range(256)) * 1000
COMMIT = "c0ffee" * 6 + "c0ff"

# In a process of its own, because huggingface_hub reads its environment when imported.
FETCH = """
import json, sys
from pathlib import Path
from registry.errors import FetchFailed
from registry.manifest import HubSource
from registry.sources import Context, Wanted, fetch

folder = Path(sys.argv[1])
for name in ("scratch", "downloads"):
    (folder / name).mkdir(exist_ok=True)
seen = []
context = Context(folder / "scratch", folder / "downloads", lambda label, done, total: seen.append((label, done, total)))
source = HubSource(repo="maker/net", file="model.safetensors", revision=sys.argv[2])
try:
    file = fetch(Wanted("model.safetensors", (source,), int(sys.argv[3])), folder / "out", context)
    print(json.dumps({"file": file.model_dump(mode="json"), "progress": seen}))
except FetchFailed as error:
    print(json.dumps({"reasons": error.reasons}))
"""


@pytest.fixture
def hub() -> Iterator[Any]:
    """A hub with one repository of one large file. ``tampered`` makes it send other bytes than it vouches for."""

    class Hub:
        address = ""
        tampered = False
        tokens: list[str | None] = []

    told = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, with_body: bool) -> None:
            told.tokens.append(self.headers.get("Authorization"))
            known = {f"/maker/net/resolve/{revision}/model.safetensors" for revision in ("main", COMMIT)}
            if self.path not in known:
                self.send_response(404)
                self.send_header("X-Error-Code", "RevisionNotFound" if "maker/net" in self.path else "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = WEIGHTS[::-1] if told.tampered else WEIGHTS
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(WEIGHTS).hexdigest()}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield told
    running.shutdown()
    running.server_close()
    thread.join()


def run(hub: Any, folder: Path, revision: str = "main", limit: int = 10**6) -> dict[str, Any]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.address,
        "HF_HOME": str(folder / "hf"),
        "HF_TOKEN": "hf_secret",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-c", FETCH, str(folder), revision, str(limit)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_file_arrives_and_its_branch_is_pinned_to_a_commit(hub: Any, tmp_path: Path) -> None:
    told = run(hub, tmp_path)
    assert (tmp_path / "out").read_bytes() == WEIGHTS
    assert told["file"]["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert told["file"]["sources"][0]["revision"] == COMMIT
    assert told["progress"][-1] == ["model.safetensors", len(WEIGHTS), len(WEIGHTS)]
    assert "Bearer hf_secret" in hub.tokens


def test_other_bytes_than_the_hub_vouches_for_are_refused(hub: Any, tmp_path: Path) -> None:
    hub.tampered = True
    ((_, reason),) = run(hub, tmp_path)["reasons"]
    assert "other content than the hub vouches for" in reason
    assert not (tmp_path / "out").exists()


def test_a_file_beyond_the_limit_is_not_downloaded(hub: Any, tmp_path: Path) -> None:
    ((source, reason),) = run(hub, tmp_path, limit=1000)["reasons"]
    assert source == "hub maker/net"
    assert reason == "offers 256,000 bytes, more than the 1,000 allowed"


def test_an_unknown_revision_is_a_reason_in_one_line(hub: Any, tmp_path: Path) -> None:
    ((_, reason),) = run(hub, tmp_path, revision="v9")["reasons"]
    assert "404" in reason
    assert "\n" not in reason
