"""``masquerade serve`` waits until it is told to close, and leaves signals as it found them."""

from __future__ import annotations

import io
import os
import signal
import threading
import time

import pytest
from rich.console import Console

from serve_app.commands.serve import open_until_interrupted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_for_a_signal_and_gives_the_handlers_back(number: signal.Signals) -> None:
    told = io.StringIO()
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    def press() -> None:
        """Once it is listened for; before, it would end the tests."""
        while signal.getsignal(number) in before:
            time.sleep(0.001)
        os.kill(os.getpid(), number)

    pressing = threading.Thread(target=press)
    pressing.start()
    open_until_interrupted("http://127.0.0.1:8000", Console(file=told, width=200))
    pressing.join()
    assert "http://127.0.0.1:8000/docs" in told.getvalue()
    assert told.getvalue().rstrip().endswith("Closing…")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
