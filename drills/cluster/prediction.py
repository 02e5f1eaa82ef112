"""The simulator against the real graph on this machine: ``python -m drills.cluster.prediction``.

A few pictures are asked for one by one, which gives the gateway's share and how much times differ; then people come at
random times (Poisson). The simulator is told the rate and the engine time of a query as replicas reported it meanwhile,
which on a laptop depends on who else uses the cores, and nothing of how long anybody waited. What it says of that is
held against the real waits.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import time

import httpx

from benchmarks.conclusion import conclude
from benchmarks.figures import Figure
from benchmarks.ports import free_port
from deployments.quantiles import quantile
from registry.store import FolderStore
from serve_app.local import studio
from serve_app.samples import installed_samples
from serve_app.serve_flags import SERVE_FLAGS
from serve_app.settings import Settings
from serve_app.simulation.profile import LoadProfile, Work
from serve_app.simulation.simulator import Simulator
from serve_app.topology import EMBEDDED

ALONE = 25
SECONDS = 60.0
BUSY = 0.3
SEED = 7
# The tail on a machine that others use is theirs as much as ours.
BARS = {"half": 30.0, "95 of 100": 60.0}


def main() -> int:
    """Run both; the exit status says whether the prediction was near enough to plan with."""
    argparse.ArgumentParser(prog="python -m drills.cluster.prediction", description=__doc__).parse_args()
    began = time.monotonic()
    os.environ.update(SERVE_FLAGS)
    settings = Settings(port=free_port(), threads=1)
    with studio(settings) as address:
        real, work, rate, busy = asyncio.run(
            _measure(address, installed_samples(FolderStore(settings.store_dir))[0].data)
        )
    load = LoadProfile(users_per_hour=(rate * 3600,), requests_per_user=1, mix={"style": 1}, work=work)
    # Long enough that chance evens out; the real run cannot be.
    outcome = Simulator(load, hour_s=SECONDS * 20, seed=SEED, topology=EMBEDDED).run()
    predicted = outcome.latencies["style"]
    pairs = {
        name: (quantile(predicted, share), quantile(real, share))
        for name, share in (("half", 0.5), ("95 of 100", 0.95))
    }
    figures = [Figure("requests a second", rate)]
    figures += [Figure(f"{name}, one query", each.query_s, unit="s") for name, each in work.items()]
    for name, (expected, found) in pairs.items():
        figures += [
            Figure(f"{name} answered within, predicted", expected, unit="s"),
            Figure(f"{name} answered within, real", found, unit="s"),
            Figure(
                f"{name}, off by", abs(expected / found - 1) * 100, bar=BARS[name], unit="%", higher_is_better=False
            ),
        ]
    figures += [
        Figure("Style busy, predicted", outcome.utilisation["Style"] * 100, unit="%"),
        Figure("Style busy, real", busy * 100, unit="%"),
    ]
    return conclude(
        "cluster-prediction", {"style on this machine": figures}, seed=SEED, seconds=time.monotonic() - began
    )


async def _measure(address: str, data: bytes) -> tuple[list[float], dict[str, Work], float, float]:
    from ray import serve

    handles = {name: serve.get_deployment_handle(name, "graph") for name in ("Moderation", "Style")}
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:

        async def paint() -> float:
            start = time.monotonic()
            answer = await client.post("/v1/style", files={"image": data}, data={"style": "wave"})
            answer.raise_for_status()
            return time.monotonic() - start

        for _ in range(3):
            await paint()
        alone = [await paint() for _ in range(ALONE)]
        loads = {name: await handle.record_autoscaling_stats.remote() for name, handle in handles.items()}
        seconds = {name: load["service_s"] for name, load in loads.items()}
        rest = max(0.001, statistics.median(alone) - max(seconds.values()) - seconds["Moderation"])
        rate = BUSY / max(seconds["Style"], 2 * seconds["Moderation"], rest)
        chance, asked = random.Random(SEED), []
        busy: list[float] = []
        under_load: dict[str, list[float]] = {name: [] for name in handles}
        at = start = time.monotonic()
        while at - start < SECONDS:
            at += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            asked.append(asyncio.create_task(paint()))
            for name, handle in handles.items():
                load = await handle.record_autoscaling_stats.remote()
                if at - start > SECONDS / 6:
                    under_load[name].append(load["service_s"])
                    busy += [load["busy"]] if name == "Style" else []
        waits = list(await asyncio.gather(*asked))
        meanwhile = {name: statistics.fmean(values) for name, values in under_load.items()}
        slower = sum(meanwhile.values()) / sum(seconds.values())
        spread = statistics.stdev(alone) / statistics.fmean(alone)
        meanwhile["Gateway"] = rest * slower
        work = {name: Work(query_s=value, spread=spread) for name, value in meanwhile.items()}
        return waits, work, rate, statistics.fmean(busy)


if __name__ == "__main__":
    sys.exit(main())
