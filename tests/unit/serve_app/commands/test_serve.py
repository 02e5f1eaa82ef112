"""``masquerade serve`` waits until it is told to close, and leaves signals as it found them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

# In a process of its own: whatever else the tests have loaded into theirs does not expect signals.
WAITING = """
import signal
from serve_app.commands.serve import open_until_interrupted

both = signal.SIGINT, signal.SIGTERM
before = [signal.getsignal(number) for number in both]
open_until_interrupted("http://127.0.0.1:8000")
assert [signal.getsignal(number) for number in both] == before
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_for_a_signal_and_gives_the_handlers_back(number: signal.Signals) -> None:
    command = [sys.executable, "-u", "-c", WAITING]
    wide = os.environ | {"COLUMNS": "200"}
    with subprocess.Popen(command, env=wide, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        opened = waiting.stdout.readline()
        waiting.send_signal(number)
        told, failed = waiting.communicate(timeout=60)
    assert "http://127.0.0.1:8000/docs" in opened
    assert (told.split(), waiting.returncode) == (["Closing…"], 0), failed
