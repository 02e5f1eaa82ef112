"""One real studio for all end-to-end tests: Ray, the graph and the starter models, as `masquerade serve` starts them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from benchmarks.ports import free_port
from drills.processes import below, resident_mb

ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Studio:
    """A running studio: its address and its first process, from which all others descend."""

    url: str
    pid: int
    folder: Path

    def processes(self) -> list[psutil.Process]:
        """Everything that descends from the first process."""
        return psutil.Process(self.pid).children(recursive=True)

    def ray_address(self) -> str:
        """Where Ray's head listens, as a driver would name it."""
        return next(
            argument.partition("=")[2]
            for process in self.processes()
            if process.name() == "raylet"
            for argument in process.cmdline()
            if argument.startswith("--gcs-address=")
        )

    def open_ports(self) -> set[tuple[str, int]]:
        """Names and ports of processes that listen on every interface."""
        ports = set()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                for connection in process.net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN and connection.laddr.ip in {"0.0.0.0", "::"}:
                        ports.add((process.name(), connection.laddr.port))
        return ports

    def logs(self) -> list[Path]:
        """Every log of this run: the studio's own, Ray's and Serve's."""
        session = next(
            Path(argument.partition("=")[2])
            for process in self.processes()
            if process.name() == "gcs_server"
            for argument in process.cmdline()
            if argument.startswith("--log_dir=")
        )
        written = [self.folder / "serve.log", *session.rglob("*")]
        return [path for path in written if path.is_file() and path.stat().st_size > 0]

    def resident_mb(self) -> float:
        """Memory of the gateway and the model replicas, without Ray's own processes."""
        return resident_mb(below(psutil.Process(self.pid), "ServeReplica"))


@pytest.fixture(scope="session")
def studio_url(studio: Studio) -> str:
    """The address of a studio that is ready."""
    return studio.url


@pytest.fixture(scope="session")
def studio(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio that is ready; all of it is told to end, as a service manager would."""
    with serving(models_dir, tmp_path_factory.mktemp("studio")) as studio:
        yield studio


@contextlib.contextmanager
def serving(models_dir: Path, folder: Path, *, told: bool = False) -> Iterator[Studio]:
    """A studio of one's own that is ready. Its whole group is told to end afterwards, unless it was ``told`` in the block."""
    port = free_port()
    environment = os.environ | {
        "MASQUERADE_MODELS_DIR": str(models_dir),
        "MASQUERADE_DATA_DIR": str(folder),
        "RAY_SERVE_LOG_TO_STDERR": "0",
    }
    # Flags of the tests' own Ray, which has no studio.
    for name in ("RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP", "RAY_SERVE_ENABLE_DIRECT_INGRESS"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "serve_app", "serve", "--port", str(port)]
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(process, url, log)
        yield Studio(url, process.pid, folder)
        if not told:
            os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()[-4000:]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the studio ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5) as response:
                if response.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.25)
    raise TimeoutError(f"the studio was not ready within {START_TIMEOUT_S} s:\n{log.read_text()[-4000:]}")
