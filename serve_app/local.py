"""Ray and the graph on this machine, started for one process and gone with it."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from serve_app.settings import Settings

# Read once by ray.serve at import, here and in every process Ray starts. Replies of several MB travel between
# deployments, so the transport's message limit is raised with them; user code never blocks the loop it shares.
SERVE_FLAGS = {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(256 * 2**20),
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class PortTaken(RuntimeError):
    """Something else listens where the studio wants to."""


@contextmanager
def studio(settings: Settings) -> Iterator[str]:
    """Start Ray and the graph; yields the base address once every capability is ready.

    Raises :class:`PortTaken`, or ``RegistryError`` when models are missing.
    """
    _refuse_taken(settings.host, settings.port)
    os.environ.update({name: os.environ.get(name, value) for name, value in SERVE_FLAGS.items()})
    import ray
    from ray import serve

    from serve_app.app import GRAPH, build

    application = build(settings)
    ray.init(
        address="local",
        num_cpus=max(2, os.cpu_count() or 1),
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        configure_logging=False,
    )
    try:
        serve.start(
            http_options={"host": settings.host, "port": settings.port, "request_timeout_s": settings.deadline_s * 2}
        )
        serve.run(application, name=GRAPH, route_prefix="/", _local_testing_mode=False)
        yield f"http://{settings.host}:{settings.port}"
    finally:
        serve.shutdown()  # type: ignore[no-untyped-call]  # Serve's own
        ray.shutdown()


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(f"{host}:{port} is taken by another program; choose another with --port") from error
