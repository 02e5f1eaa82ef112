"""A process that imports the libraries every Ray worker needs, and becomes a worker as often as it is asked, by forking.

Of Ray itself it imports nothing. Ray's native part reads its environment when it is loaded (which job a worker is for, whose
raylet to follow) and may draw its seed then: workers forked after that would take each other's identifiers.

It runs as a script, ``server.py FD``, with a listening socket as file descriptor ``FD``, until its standard input ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import TypedDict

# What Ray, Serve and the deployments import from others, as far as it starts no thread: threads do not come along into a
# fork. Whatever is forgotten here every worker imports for itself.
LIBRARIES = (
    "PIL.Image",
    "aiohttp",
    "click",
    "cv2",
    "fastapi.encoders",
    "filelock",
    "google.protobuf.descriptor_pb2",
    "google.protobuf.json_format",
    "google.protobuf.struct_pb2",
    "google.protobuf.timestamp_pb2",
    "grpc.experimental.aio",
    "grpc_reflection.v1alpha.reflection",
    "jsonschema",
    "msgpack",
    "numpy",
    "openvino",
    "opentelemetry.exporter.prometheus",
    "opentelemetry.sdk.metrics",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.semconv.trace",
    "packaging.version",
    "pdb",
    "prometheus_client",
    "psutil",
    "pydantic",
    "requests",
    "starlette.middleware",
    "tarfile",
    "tqdm.auto",
    "unittest.mock",
    "uvicorn.lifespan.on",
    "uvloop",
    "yaml",
)

# How long one that asks may take to say what for. It is a script that does nothing else.
_PATIENCE_S = 10.0


class Request(TypedDict):
    """What a worker has to be: the script and its arguments, and what a new process would inherit."""

    command: list[str]
    environment: dict[str, str]
    directory: str
    niceness: int
    oom_score_adj: str


def main() -> None:
    """Import everything, then fork; returns in the server when there is nobody left to serve, and never in a worker."""
    # As Ray has it for all of its processes: Ctrl-C is for whoever opened the studio.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    listener = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[0]  # The folder of this script.
    # OpenVINO would report its import to its maker, as in deployments.openvino_runtime.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # None means: it cannot be imported
    # NumPy's and OpenCV's OpenBLAS would start a thread for each core as it is loaded, and does not in any worker therefore:
    # there they only multiply small matrices.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    # What lives now is never collected: collecting it would copy its pages into every worker.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody asks how a worker ended, so none has to wait to be asked.
    request = _worker(listener)
    if request is None:
        # Whoever made the folder was killed, or would have ended this process first.
        shutil.rmtree(Path(listener.getsockname()).parent, ignore_errors=True)
    else:
        _become(request)


def _worker(listener: socket.socket) -> Request | None:
    """Returns in every worker with what it has to be, and in the server with None when its standard input ends."""
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return None
        connection, _ = listener.accept()
        with connection:
            try:
                request = _forked(connection)
            except (OSError, ValueError):  # Who asked starts it another way.
                traceback.print_exc()
                continue
        if request is not None:
            listener.close()
            return request


def _forked(connection: socket.socket) -> Request | None:
    """Read a request and fork: in the worker, which has the streams of whoever asked, the request; in the server None."""
    connection.settimeout(_PATIENCE_S)
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    try:
        with connection.makefile("rb") as rest:
            request: Request = json.loads(rest.read())
        if os.fork() == 0:
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            return request
        connection.sendall(b"\n")  # The worker lives.
        return None
    finally:
        for stream in streams:
            os.close(stream)


def _become(request: Request) -> None:
    """Go on as the process that ``request`` describes, to its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    os.nice(max(0, request["niceness"] - os.nice(0)))
    with contextlib.suppress(OSError):  # Less than this process has needs a privilege.
        Path("/proc/self/oom_score_adj").write_text(request["oom_score_adj"], encoding="ascii")
    script = request["command"][0]
    sys.argv = request["command"]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
