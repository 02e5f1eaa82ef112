"""The fork server for as long as a studio is open, and a Ray that starts its workers through it."""

from __future__ import annotations

import functools
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serve_app.forking.start_worker import FORK_SERVER

_HERE = Path(__file__).parent
# All workers of a studio ask at once, while the libraries are still being imported.
_BACKLOG = 128


@contextmanager
def fork_server() -> Iterator[dict[str, str]]:
    """Run a fork server with this process's environment; yields the variables that Ray has to be started with.

    It ends with the block, and with this process however that ends. Its workers do not end with it. Elsewhere than on
    Linux there is none and nothing to start Ray with: forking after libraries were loaded is not safe there.
    """
    if sys.platform != "linux":
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="masquerade-") as folder:  # Nobody else may enter it.
        address = f"{folder}/workers"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen(_BACKLOG)
            command = [sys.executable, str(_HERE / "server.py"), str(listener.fileno())]
            server = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()])
        with server:  # Its standard input ends with this process, and so does the server, should this one be killed.
            try:
                yield {FORK_SERVER: address}
            finally:
                server.terminate()


@contextmanager
def one_machine() -> Iterator[None]:
    """``ray.init`` within the block starts workers by forking, and nothing that only a cluster or a console needs.

    What it leaves out: the autoscaler's monitor (there is nothing to scale) and the monitor that forwards the workers'
    logs to the driver (which ``log_to_driver=False`` declines). ``ray.init`` has no arguments for any of it; should Ray
    rename what takes them, it fails here and at once.
    """
    from ray._private import parameter

    plain: Any = parameter.RayParams
    ours = functools.partial(
        plain, setup_worker_path=str(_HERE / "start_worker.py"), no_monitor=True, include_log_monitor=False
    )
    setattr(parameter, "RayParams", ours)  # noqa: B010  # as an assignment it would be another type
    try:
        yield
    finally:
        setattr(parameter, "RayParams", plain)  # noqa: B010
