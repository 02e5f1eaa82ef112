"""Run by Ray for every worker in place of its ``setup_worker.py``, with the same arguments: asks the fork server for one.

Whatever the fork server cannot do (a worker with a runtime environment of its own, or one in another language), and
everything once the server is gone, Ray's own script does. It runs as a script, so it imports the standard library alone,
and little of that: it runs a dozen times while a studio opens.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

# The variable that names the fork server's socket.
FORK_SERVER = "MASQUERADE_FORK_SERVER"
_CONTEXT = "--serialized-runtime-env-context="
_LANGUAGE = "--language="


def main() -> None:
    server = os.environ.get(FORK_SERVER)
    if not server or not (request := _request(sys.argv[1:])) or not _is_forked(server, request):
        _start_as_ray_does()


def _request(arguments: list[str]) -> dict[str, object] | None:
    """What the worker has to have in common with this process; None where it needs more than a fork can give."""
    context, language, rest = "{}", "PYTHON", []
    for argument in arguments:
        if argument.startswith(_CONTEXT):
            context = argument.removeprefix(_CONTEXT)
        elif argument.startswith(_LANGUAGE):
            language = argument.removeprefix(_LANGUAGE)
        else:
            rest.append(argument)
    asked = json.loads(context)
    plain = asked.pop("py_executable", None) in (None, sys.executable) and not any(asked.values())
    if not plain or language != "PYTHON" or not rest or not rest[0].endswith(".py"):
        return None
    return {
        "command": rest,
        "environment": dict(os.environ),
        "directory": str(Path.cwd()),
        "niceness": os.nice(0),
        "oom_score_adj": Path("/proc/self/oom_score_adj").read_text(encoding="ascii").strip(),
    }


def _is_forked(address: str, request: dict[str, object]) -> bool:
    """Hand ``request`` and this process's standard streams over; False when the server is not there to take them."""
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(address)
            socket.send_fds(server, [b"\n"], [0, 1, 2])
            server.sendall(json.dumps(request).encode())
            server.shutdown(socket.SHUT_WR)
            return bool(server.recv(1))
    except OSError:
        return False


def _start_as_ray_does() -> None:
    from importlib.util import find_spec

    spec = find_spec("ray")  # Finds the package without importing it.
    if spec is None or spec.origin is None:
        sys.exit("Ray is not installed where its workers start")
    script = Path(spec.origin).parent / "_private/workers/setup_worker.py"
    os.execv(sys.executable, [sys.executable, str(script), *sys.argv[1:]])  # noqa: S606  # as Ray would have started it


if __name__ == "__main__":
    main()
