"""A web server on this machine that serves files well, badly, or not at all."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from registry.sources import Context, partial, url
from registry.store import FolderStore

CONTENT = bytes(range(256)) * 8192


@dataclass
class Server:
    """``faults`` are used up one per request; when none is left the server behaves.

    ``cut``: sends half of what it announced and hangs up. ``drip``: the same, after at most 100,000 bytes. ``stall``:
    sends a little, then nothing. ``no-range``: ignores Range. ``other-range``: answers with another part than asked
    for. ``lie``: announces and sends one byte more. ``endless``: never says how much, and never stops. ``changed``:
    the file is another one from now on. An integer is answered as that status. ``-> ADDRESS`` redirects.
    """

    content: bytes = CONTENT
    faults: list[int | str] = field(default_factory=list)
    requests: list[str | None] = field(default_factory=list)
    address: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def url(self, name: str = "net.dat") -> str:
        return f"{self.address}/{name}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            told.requests.append(asked)
            fault = told.faults.pop(0) if told.faults else None
            self.close_connection = True
            if isinstance(fault, int):
                self.send_error(fault)
                return
            if isinstance(fault, str) and fault.startswith("-> "):
                self.send_response(302)
                self.send_header("Location", fault.removeprefix("-> "))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if fault == "changed":
                told.content = told.content[::-1]
            self.answer(asked, fault)

        def answer(self, asked: str | None, fault: str | None) -> None:
            content = told.content
            etag = f'"{told.sha256[:8]}"'
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and fault != "no-range" else 0
            if start and self.headers.get("If-Range", etag) != etag:
                start = 0
            if start >= len(content):
                self.send_error(416)
                return
            body = content[start:] + (b"!" if fault == "lie" else b"")
            self.send_response(206 if start else 200)
            if start:
                shown = start + 1 if fault == "other-range" else start
                self.send_header("Content-Range", f"bytes {shown}-{len(content) - 1}/{len(content)}")
            if fault != "endless":
                self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", etag)
            self.end_headers()
            try:
                if fault == "cut":
                    self.wfile.write(body[: len(body) // 2])
                elif fault == "drip":
                    self.wfile.write(body[:100_000])
                elif fault == "stall":
                    self.wfile.write(body[:100_000])
                    self.wfile.flush()
                    told.released.wait(20)
                elif fault == "endless":
                    while True:
                        self.wfile.write(body)
                else:
                    self.wfile.write(body)
            except OSError:
                pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield told
    told.released.set()
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses, and no proxy between a test and its server."""
    monkeypatch.setattr(partial, "_FIRST_PAUSE_S", 0)
    monkeypatch.setattr(url, "_TIMEOUT_S", 0.5)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "models")


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    for name in ("scratch", "downloads"):
        (tmp_path / name).mkdir()
    made = Context(tmp_path / "scratch", tmp_path / "downloads")
    with made.cleanup:
        yield made
