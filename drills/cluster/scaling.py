"""A burst from idle on a cluster whose nodes come and go.

One replica of a stand-in (half a GPU by name, half a second a query) idles on one node; then requests come at a constant
rate of twice what it can do. Measured: how soon another replica serves, whether nodes appear, how long people wait
once it has settled, and whether nodes leave when it is over.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import ray
from ray import serve

from benchmarks.figures import Figure, never
from drills.cluster.nodes import autoscaling_cluster
from drills.cluster.stand_in import StandIn
from serve_app.rendering.flags import CLUSTER_FLAGS
from serve_app.topology import Scaling

SERVICE_S = 0.5
RATE = 4.0
BURST_S = 50.0
AFTER_S = 90.0
# One CPU: Ray starts a spare worker process for each, which on a small machine delays those that are needed.
NODE = {"resources": {"CPU": 1, "GPU": 1, "object_store_memory": 100_000_000}, "min_workers": 1, "max_workers": 2}
SCALING = Scaling(1, 4, SERVICE_S, target=2, queue_s=1.0, hold_s=10.0, idle_s=10.0)
OPTIONS: dict[str, Any] = {
    "max_ongoing_requests": 200,
    "max_queued_requests": -1,
    "graceful_shutdown_timeout_s": 5,
    "graceful_shutdown_wait_loop_s": 0.1,
    "ray_actor_options": {"num_cpus": 0, "num_gpus": 0.5},
    "autoscaling_config": SCALING.options(),
}


@dataclass
class Seen:
    """What was looked at every quarter of a second, by seconds since the burst began."""

    asked: list[tuple[float, int]] = field(default_factory=list)
    replicas: list[tuple[float, int]] = field(default_factory=list)
    nodes: list[tuple[float, int]] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    failed: int = 0


def burst() -> list[Figure]:
    """Run the drill. Ray's flags are in the environment by now."""
    with autoscaling_cluster({"gpu": NODE}, CLUSTER_FLAGS, idle_s=5) as address:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
        try:
            serve.start(proxy_location="Disabled")
            deployment = serve.deployment(name="StandIn", **OPTIONS)(StandIn)
            handle = serve.run(deployment.bind(SERVICE_S), name="drill", route_prefix=None)
            return figures(asyncio.run(_burst(handle)))
        finally:
            ray.shutdown()


def figures(seen: Seen) -> list[Figure]:
    """What the looks come to. A thing that never happened took for ever."""
    decided = next((at for at, count in seen.asked if count > 1), float("inf"))
    second = next((at for at, count in seen.replicas if count > 1), float("inf"))
    node = next((at for at, count in seen.nodes if count > 1), float("inf"))
    peak = max(count for _, count in seen.replicas)
    settled = sorted(wait for at, wait in seen.waits if at > BURST_S * 0.7)
    steps = list(itertools.pairwise(seen.replicas))
    downs = sum(after < before for (_, before), (_, after) in steps)
    late_ups = sum(after > before and at > BURST_S for (_, before), (at, after) in steps)
    return [
        Figure("another replica is asked for", decided, bar=5, unit="s", higher_is_better=False),
        Figure("another replica serves", second, bar=10, unit="s", higher_is_better=False),
        Figure("another node is there", node, bar=30, unit="s", higher_is_better=False),
        Figure("replicas at most", peak, bar=3),
        Figure(
            "95 of 100 wait at most, last third",
            settled[int(len(settled) * 0.95)],
            bar=2,
            unit="s",
            higher_is_better=False,
        ),
        never("failed requests", seen.failed),
        Figure("steps down", downs),
        never("steps up when it was over", late_ups),
        Figure("replicas in the end", seen.replicas[-1][1], bar=1, higher_is_better=False),
        Figure("nodes in the end", seen.nodes[-1][1], bar=1, higher_is_better=False),
    ]


async def _burst(handle: object) -> Seen:
    seen, start = Seen(), time.monotonic()
    watching = asyncio.create_task(_watch(seen, start))
    asked: list[asyncio.Task[None]] = []
    for number in range(int(RATE * BURST_S)):
        await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))
        asked.append(asyncio.create_task(_ask(handle, seen, start)))
    await asyncio.gather(*asked)
    until = time.monotonic() + AFTER_S
    while time.monotonic() < until and (seen.replicas[-1][1] > 1 or seen.nodes[-1][1] > 1):  # noqa: ASYNC110 - it looks
        await asyncio.sleep(0.25)
    watching.cancel()
    return seen


async def _ask(handle: object, seen: Seen, start: float) -> None:
    began = time.monotonic()
    try:
        await handle.answer.remote(1)  # type: ignore[attr-defined]  # a Serve handle
    except Exception:
        seen.failed += 1
    else:
        seen.waits.append((began - start, time.monotonic() - began - SERVICE_S))


async def _watch(seen: Seen, start: float) -> None:
    while True:
        status, nodes = await asyncio.gather(asyncio.to_thread(serve.status), asyncio.to_thread(ray.nodes))
        now = time.monotonic() - start
        states = status.applications["drill"].deployments["StandIn"].replica_states
        seen.asked.append((now, sum(count for state, count in states.items() if state in {"RUNNING", "STARTING"})))
        seen.replicas.append((now, sum(count for state, count in states.items() if state == "RUNNING")))
        seen.nodes.append((now, sum(node["Alive"] and node["Resources"].get("GPU", 0) > 0 for node in nodes)))
        await asyncio.sleep(0.25)
