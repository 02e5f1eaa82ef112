"""What stands at an address and may be a studio."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest


@dataclass
class Answers:
    """Answers every path with ``status`` and ``body``, or with the document given for that path.

    What is in ``moved`` is sent on to the address there. ``asked`` are the paths that were, each with its key.
    """

    url: str
    status: int = 200
    body: bytes = b"{}"
    documents: dict[str, Any] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def answers() -> Iterator[Answers]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = answers.documents.get(self.path)
            body = answers.body if document is None else json.dumps(document).encode()
            answers.asked.append((self.path, self.headers["Authorization"]))
            moved = answers.moved.get(self.path)
            self.send_response(answers.status if moved is None else 307)
            if moved is not None:
                self.send_header("Location", moved)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server, _serving(server):
        answers = Answers(f"http://127.0.0.1:{server.server_port}")
        yield answers


@pytest.fixture
def shell() -> Iterator[str]:
    """The address of something that speaks first, and not HTTP."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            self.request.recv(65536)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server, _serving(server):
        yield f"http://127.0.0.1:{server.server_address[1]}"


class _serving:
    def __init__(self, server: socketserver.BaseServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
