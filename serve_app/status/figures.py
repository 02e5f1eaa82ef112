"""Rates, percentiles and queues, worked out from the metrics of all nodes at two moments. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from deployments import errors
from deployments.errors import Busy, MasqueradeError
from serve_app.topology import GATEWAY

# Serve counts the studio's own questions as well: how each replica is, several times in a second where nobody comes.
REQUESTS: Final = "ray_masquerade_requests_total"
REQUEST_SECONDS: Final = "ray_masquerade_request_seconds_bucket"
CALLS: Final = "ray_masquerade_calls_total"
CALL_SECONDS: Final = "ray_masquerade_call_seconds_bucket"
QUEUED: Final = "ray_serve_deployment_queued_queries"
ONGOING: Final = "ray_serve_replica_processing_queries"
CPU: Final = "ray_node_cpu_utilization"
MEMORY_USED: Final = "ray_node_mem_used"
MEMORY_TOTAL: Final = "ray_node_mem_total"
GPU: Final = "ray_node_gpus_utilization"
NODE: Final = "NodeAddress"
# Who looks how the studio is asks it for no work.
_OWN_FEATURES: Final = frozenset({"probe", "status"})
_ERRORS: Final = [
    error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, MasqueradeError)
]
# How a call ends that did its work, whose caller is gone, or whose sender got something wrong.
_NO_FAULTS: Final = frozenset(
    {"ok", "cancelled", *(error.slug for error in _ERRORS if error.status < 500 and error is not Busy)}
)
WANTED: Final = (REQUESTS, REQUEST_SECONDS, CALLS, CALL_SECONDS, QUEUED, ONGOING, CPU, MEMORY_USED, MEMORY_TOTAL, GPU)

Series = tuple[str, frozenset[tuple[str, str]]]
Samples = Mapping[Series, float]


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that was exported at ``time`` (seconds of a monotonic clock), by metric and labels."""

    time: float
    samples: Samples


@dataclass(frozen=True, slots=True)
class Load:
    """What one deployment did in a window. Rates are per second, percentiles in milliseconds; None: nothing to say."""

    rps: float | None
    errors_per_s: float | None
    p50_ms: float | None
    p95_ms: float | None
    ongoing: int
    queued: int


def parse(text: str) -> dict[Series, float]:
    """The wanted samples of one node's metrics page."""
    lines = "".join(line for line in text.splitlines(keepends=True) if line.startswith(WANTED))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(lines)
        for sample in family.samples
    }


def load(deployment: str, now: Look, before: Look | None) -> Load:
    """The deployment's load between two looks; without an earlier one, percentiles are of all requests so far.

    Requests are what people asked for: of the gateway over HTTP, and of the others as it called them. The studio's own
    questions are left out.
    """
    counter, histogram = (REQUESTS, REQUEST_SECONDS) if deployment == GATEWAY else (CALLS, CALL_SECONDS)
    counts = [(labels, count) for labels, count in _increases(counter, now, before) if _is_asked_of(deployment, labels)]
    seconds = 0.0 if before is None else now.time - before.time
    requests, faults = (
        sum(increase) / seconds if seconds > 0 else None
        for increase in ((n for _, n in counts), (n for labels, n in counts if _failed(labels)))
    )
    buckets: dict[float, float] = defaultdict(float)
    for labels, count in _increases(histogram, now, before):
        if _is_asked_of(deployment, labels):
            buckets[float(labels["le"]) * 1000] += count
    return Load(
        rps=requests,
        errors_per_s=faults,
        p50_ms=quantile(buckets, 0.5),
        p95_ms=quantile(buckets, 0.95),
        ongoing=round(_total(ONGOING, deployment, now)),
        queued=round(_total(QUEUED, deployment, now)),
    )


def node_share(name: str, now: Look, of: str | None = None) -> float | None:
    """A gauge summed over nodes, as a share of another's sum, or of 100 a node; None where nobody exports it."""
    values = [value for (metric, _), value in now.samples.items() if metric == name]
    whole = 100.0 * len(values) if of is None else sum(v for (metric, _), v in now.samples.items() if metric == of)
    return sum(values) / whole if values and whole else None


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """The value under which ``share`` of the observations lie, linear within a bucket, as Prometheus computes it.

    ``buckets`` maps upper bounds (the last one infinite) to cumulative counts.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if total <= 0:
        return None
    wanted, lower, below = share * total, 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= wanted:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * ((wanted - below) / (count - below) if count > below else 1.0)
        lower, below = bound, count
    return lower


def _is_asked_of(deployment: str, labels: Mapping[str, str]) -> bool:
    if deployment == GATEWAY:
        return labels.get("feature") not in _OWN_FEATURES
    return labels.get("deployment") == deployment.lower()


def _failed(labels: Mapping[str, str]) -> bool:
    """Whether it was the studio's fault: of calls, too, what the sender got wrong is none."""
    return labels["status"].startswith("5") if "status" in labels else labels["outcome"] not in _NO_FAULTS


def _increases(name: str, now: Look, before: Look | None) -> Iterable[tuple[dict[str, str], float]]:
    earlier = {} if before is None else before.samples
    known = {dict(labels).get(NODE) for _, labels in earlier}
    for (metric, of), value in now.samples.items():
        if metric != name:
            continue
        labels = dict(of)
        # Of a node that was not seen then, nobody knows when its counts were made.
        unseen = value if before is not None and labels.get(NODE) not in known else 0.0
        past = earlier.get((name, of), unseen)
        # A counter that went back belongs to a process that began anew.
        yield labels, value - past if value >= past else value


def _total(name: str, deployment: str, look: Look) -> float:
    samples = look.samples.items()
    return sum(value for (metric, of), value in samples if metric == name and ("deployment", deployment) in of)
