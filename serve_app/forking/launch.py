"""The fork server for as long as a studio is open, and a Ray that starts its workers through it."""

from __future__ import annotations

import contextlib
import functools
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serve_app.forking.sockets import temporary_folder
from serve_app.forking.start_worker import FORK_SERVER

_HERE = Path(__file__).parent
# All workers of a studio ask at once, while the libraries are still being imported.
_BACKLOG = 128


@contextmanager
def fork_server() -> Iterator[dict[str, str]]:
    """Run a fork server with this process's environment; yields the variables that Ray has to be started with.

    It ends with the block, and with this process however that ends. Its workers do not end with it. Elsewhere than on
    Linux there is none and nothing to start Ray with: forking after libraries were loaded is not safe there. Nor is there
    one where no temporary folder can be made.
    """
    if sys.platform != "linux":
        yield {}
        return
    where = temporary_folder("masquerade-12345678/workers")
    try:
        private = tempfile.TemporaryDirectory(prefix="masquerade-", dir=where)  # Nobody else may enter it.
    except OSError:  # Ray needs a folder there as well, and says why it gets none.
        yield {}
        return
    with private as folder:
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
    logs to the driver (which ``log_to_driver=False`` declines). Where it fails, or is interrupted, nothing stays behind.
    ``ray.init`` has no arguments for any of it; should Ray rename what takes them, it fails here and at once.
    """
    from ray._private import node, parameter

    params: Any = parameter.RayParams
    plain: Any = node.Node
    ours = functools.partial(
        params, setup_worker_path=str(_HERE / "start_worker.py"), no_monitor=True, include_log_monitor=False
    )
    setattr(parameter, "RayParams", ours)  # noqa: B010  # as an assignment it would be another type
    setattr(node, "Node", _thorough(plain))  # noqa: B010
    try:
        yield
    finally:
        setattr(parameter, "RayParams", params)  # noqa: B010
        setattr(node, "Node", plain)  # noqa: B010


def _thorough(node: Any) -> Any:
    """Ray's class for the processes of one machine, made to end all of them, at whatever point of their start."""
    from ray._private.node import psutil  # type: ignore[attr-defined]  # Ray brings its own

    class Node(node):  # type: ignore[misc]  # which one is known when Ray is
        def __init__(self, *arguments: Any, **more: Any) -> None:
            try:
                super().__init__(*arguments, **more)
            except BaseException:
                for process in self._raylets():
                    process.suspend()  # It is about to start its agents.
                self.kill_all_processes(check_alive=False)
                raise

        def kill_all_processes(self, *arguments: Any, **more: Any) -> None:
            # Those of a raylet that was killed before they knew of it would live on.
            agents = [child for process in self._raylets() for child in process.children()]
            super().kill_all_processes(*arguments, **more)
            for agent in agents:
                with contextlib.suppress(psutil.NoSuchProcess):
                    agent.kill()

        def _raylets(self) -> Iterator[Any]:
            for started in self.all_processes.get("raylet", ()):
                with contextlib.suppress(psutil.NoSuchProcess):
                    yield psutil.Process(started.process.pid)

    return Node
