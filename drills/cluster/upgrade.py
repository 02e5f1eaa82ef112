"""New code takes the place of the old while people use the studio."""

from __future__ import annotations

import asyncio
import time

import psutil

from benchmarks.figures import Figure, never
from benchmarks.load import constant_arrival, session
from drills.cluster.calls import bare
from drills.cluster.logical import IMPORT_PATH
from drills.cluster.stage import REPLICA, Stage
from drills.photo import portrait
from drills.telling import Tell, say

RATE = 6.0
QUIET_S = 5.0


async def upgrade(stage: Stage, tell: Tell) -> list[Figure]:
    """Deploy the graph from another ``import_path``, as ``serve deploy`` does, under a client that asks once."""
    old = stage.processes(REPLICA)
    async with (
        session(stage.url) as http,
        constant_arrival(bare(http, portrait()), rate=RATE) as load,
    ):
        await asyncio.sleep(QUIET_S)
        began = time.perf_counter()
        tell("new code is coming", 0, 1)
        await asyncio.to_thread(stage.deploy, IMPORT_PATH)
        took_s = time.perf_counter() - began
        await asyncio.to_thread(psutil.wait_procs, old, 60)
        await asyncio.sleep(QUIET_S)
    left = sum(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in old)
    for answer in load.lost[:5]:
        say(f"  failed: {answer.status} {answer.detail[:300]}")
    return [
        Figure("replicas replaced", len(old) - left, len(old)),
        Figure("requests", len(load.answers), 1),
        never("failed", load.failed),
        Figure("worst wait", max(load.milliseconds), unit="ms"),
        Figure("seconds until all ran the new code", took_s, unit="s"),
    ]
