"""Environment variables that Ray and Serve read once, when they are imported: here and in every process Ray starts."""

from __future__ import annotations

# Replies of several MB travel between deployments, so the transport's message limit is raised with the transport; user
# code never blocks the loop it shares.
SERVE_FLAGS = {
    "RAY_AUTH_MODE": "token",
    # A thread that calls Ray after it was shut down must not start another Ray.
    "RAY_ENABLE_AUTO_CONNECT": "0",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    # In a cluster Serve's proxies spread requests over nodes; on one machine see own_front().
    "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "serve_app.proxy.middlewares:middlewares",
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(256 * 2**20),
    # A proxy that died is replaced after three failed checks: this much of the time its clients stand before a closed
    # door. One that is only late on a busy machine is not to be replaced, for everybody it serves would be cut off: it
    # has the time that Serve gives it by default.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "0.2",
    "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "10",
    # A replica that is given another version is in no router's list until the controller has looked again: with one
    # replica that is how long requests wait, twice at every change of versions. Costs 10 % of a core; 15 % at 0.05 s.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.08",
    # Every replica would bring its gauges up to date ten times a second, for whoever reads them every few seconds.
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "1000",
    # Workers that wait for work have already imported what every replica needs.
    "RAY_preload_python_modules": "serve_app.preload",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Photos and pixel arrays go back to the system when they are done with. Left to itself glibc learns to keep buffers
    # of up to 32 MB in every thread's arena: 680 MB more in a gateway that had seen eighty large uploads.
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**20),
    # Smaller buffers are kept for the next photo: to take their pages anew costs a twentieth of all work at 512 pixels.
    "MALLOC_TRIM_THRESHOLD_": str(16 * 2**20),
    "MALLOC_ARENA_MAX": "4",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}

ONE_MACHINE = {
    # Ray puts whatever works behind everything else on a machine (niceness 15). In a container of its own that changes
    # nothing; here people wait for it beside whatever else runs.
    "RAY_worker_niceness": "0",
    # Calls between deployments are none for a proxy to the internet (http_proxy), which gRPC would send them to.
    "grpc_proxy": "",
}


def own_front(port: int) -> dict[str, str]:
    """What lets the gateway's one replica listen on ``port`` itself: no request has to go through Serve's proxy.

    Whatever replaces the replica gets the same port. (Serve's range of ports ends before its maximum.)
    """
    return {
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(port),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(port + 1),
        # Nobody stands before Serve's proxy: it is looked after as rarely as Serve does by itself.
        "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "10",
        # No load balancer has to notice that a replica leaves.
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "0",
        "RAY_SERVE_PORT_QUARANTINE_S": "0",
    }
