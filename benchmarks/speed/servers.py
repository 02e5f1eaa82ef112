"""Servers under test as processes of their own: started, asked until they answer, measured and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.ports import free_port

PATIENCE_S = 240.0
CLOSING_S = 60.0


class NeverReady(RuntimeError):
    """A server ended, or stayed silent, instead of answering."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    address: str
    process: psutil.Process

    def resident_mb(self) -> float:
        """Memory of the process and all it started: proportional, so that what they share counts once."""
        total = 0
        for process in (self.process, *self.process.children(recursive=True)):
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return total / 2**20


@contextmanager
def served(command: Sequence[str], ready: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run ``command`` (``{port}`` in it becomes a free port) until the block ends.

    Yields once ``ready``, a path, answers with 200. Raises :class:`NeverReady`.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    began = time.perf_counter()
    # A file: whoever writes much into a pipe that nobody reads stands still in the end.
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            env=os.environ | dict(environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        try:
            while not _answers(address + ready):
                if process.poll() is not None:
                    said.seek(0)
                    raise NeverReady(f"{command[0]} ended: {said.read()[-800:]}")
                if time.perf_counter() - began > PATIENCE_S:
                    raise NeverReady(f"{command[0]} did not answer {ready} within {PATIENCE_S:.0f} s")
                time.sleep(0.05)
            yield Server(address, psutil.Process(process.pid))
        finally:
            _end(process)


def studio() -> list[str]:
    """The command that serves the studio with the installed models."""
    return [str(Path(sys.executable).with_name("masquerade")), "serve", "--port", "{port}"]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(CLOSING_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
