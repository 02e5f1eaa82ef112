"""Servers under test, as processes of their own."""

from __future__ import annotations

import sys
import urllib.request

import pytest

from benchmarks.speed.servers import NeverReady, served

TALKATIVE = """
import signal
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler

# Also where the tests run behind a shell that lets nobody interrupt them.
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.stderr.write("a line of a log that goes on and on\\n" * 10_000)
sys.stderr.flush()
HTTPServer(("127.0.0.1", int(sys.argv[1])), SimpleHTTPRequestHandler).serve_forever()
"""


def test_a_server_that_says_much_is_not_held_up() -> None:
    with served([sys.executable, "-c", TALKATIVE, "{port}"], "/") as server:
        for _ in range(3):
            with urllib.request.urlopen(server.address + "/", timeout=5) as response:
                assert response.status == 200


def test_a_server_that_ends_is_quoted() -> None:
    with (
        pytest.raises(NeverReady, match="no port for me"),
        served([sys.executable, "-c", "raise SystemExit('no port for me')"], "/"),
    ):
        pass
