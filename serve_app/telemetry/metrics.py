"""What the gateway counts. Ray exports every metric on each node's metrics port, as ``ray_<name>``.

Labels take their values from short lists written here or in the code, never from a request: a stranger must not be able
to fill the metrics store with series.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from ray.util.metrics import Counter, Gauge, Histogram

from serve_app.access.scopes import SCOPES

SECONDS: Final = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
# A masterpiece takes minutes.
CALL_SECONDS: Final = [*SECONDS, 120, 300, 600]

# First parts of paths under /v1 that are features of their own; everything else is "page", "probe" or "other".
FEATURES: Final = frozenset({*SCOPES, "styles", "artworks", "gallery", "samples", "models", "uploads", "status"})
PROBES: Final = frozenset({"/healthz", "/readyz"})


@dataclass(frozen=True, slots=True)
class Metrics:
    """One process's metrics."""

    requests: Counter
    request_seconds: Histogram
    calls: Counter
    call_seconds: Histogram
    retries: Counter
    jobs: Gauge
    oldest_job_seconds: Gauge


@functools.cache
def metrics() -> Metrics:
    """The metrics of this process."""
    return Metrics(
        requests=Counter(
            "masquerade_requests", description="HTTP requests by feature and status", tag_keys=("feature", "status")
        ),
        request_seconds=Histogram(
            "masquerade_request_seconds",
            description="From the first byte in to the last byte out",
            boundaries=SECONDS,
            tag_keys=("feature",),
        ),
        calls=Counter(
            "masquerade_calls",
            description="Calls of deployments by how they ended: ok, or the slug of the problem",
            tag_keys=("deployment", "outcome"),
        ),
        call_seconds=Histogram(
            "masquerade_call_seconds",
            description="A call of a deployment as its caller feels it: queue, transport, work and retries",
            boundaries=CALL_SECONDS,
            tag_keys=("deployment",),
        ),
        retries=Counter(
            "masquerade_call_retries",
            description="Calls made again because a replica went away",
            tag_keys=("deployment",),
        ),
        jobs=Gauge("masquerade_jobs", description="Unfinished jobs in the ledger", tag_keys=("channel", "state")),
        oldest_job_seconds=Gauge(
            "masquerade_oldest_job_seconds", description="Age of the job that waits longest", tag_keys=("channel",)
        ),
    )


def feature(path: str) -> str:
    """What a path is counted under."""
    if path in PROBES:
        return "probe"
    parts = path.split("/", 3)
    if len(parts) > 2 and parts[1] == "v1":
        return parts[2] if parts[2] in FEATURES else "other"
    return "page"
