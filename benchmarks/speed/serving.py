"""The graph under load: against itself on Serve's defaults, and against what somebody would pick instead.

Every contender does the same for a request: decode, moderate the photo, paint it with the same network and weights,
moderate the painting, encode. The others do it the obvious way (:mod:`benchmarks.speed.peers`): torch paints and ONNX
Runtime moderates, both on one thread for each worker or request, which is faster here than their own choice. Servers
that are compared stand at once and are loaded in turns, so that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import load
from benchmarks.figures import Figure
from benchmarks.speed import servers
from benchmarks.speed.pictures import uploads
from registry.store import FolderStore
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings
from serve_app.topology import EMBEDDED

SIDE: Final = 256
SMALL: Final = 64
CLIENTS: Final = 8
WARM_UP: Final = 32
# A round lasts about as long for the fast as for the slow; in less, its beginning and its end would count for much.
LOADED_S: Final = 6.0
ROUNDS: Final = 3
STEADY_S: Final = 10.0
# The number of the first picture of these lots: far behind all that were sent before.
STEADY_FIRST: Final = 10_000
STYLE: Final = "wave"

STUDIO: Final = "studio"
ON_DEFAULTS: Final = "studio on Serve's defaults"
# What Serve does when nobody tells it otherwise: pickled calls through its proxy, and no batches.
DEFAULTS: Final = {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "0",
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "0",
    "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",
    "MASQUERADE_ENGINES": json.dumps({name: {"max_batch": 1} for name in EMBEDDED}),
}
PEERS: Final = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True)
class Contender:
    """A server: the command that starts it, the path that says it is ready, and what its environment needs."""

    command: list[str]
    ready: str
    environment: Mapping[str, str]


def run() -> list[Figure]:
    """Throughput in closed loops of eight clients, and p99 at a rate that the best peer can just bear."""
    return asyncio.run(_measured())


async def _measured() -> list[Figure]:
    contenders = _contenders()
    with contextlib.ExitStack() as opened:

        def stand(names: Iterable[str]) -> dict[str, str]:
            entries = {name: contenders[name] for name in names}
            return {
                name: opened.enter_context(servers.served(entry.command, entry.ready, entry.environment)).address
                for name, entry in entries.items()
            }

        ours = stand((STUDIO, ON_DEFAULTS))
        # Before the others stand beside them, who are not compared here and take of the processor though nobody asks them.
        small = await _rates(ours, SMALL)
        standing = ours | stand(name for name in contenders if name not in ours)
        rate = await _rates(standing, SIDE)
        peers = {name: found for name, found in rate.items() if name not in ours}
        best = max(peers, key=lambda name: peers[name])
        bearable = 0.6 * peers[best]
        tail = await _tails({name: standing[name] for name in (STUDIO, best)}, bearable)
    return [
        *(Figure(f"{name}: pictures a second, {SIDE} px", found, unit="/s") for name, found in rate.items()),
        Figure(f"the graph against {best}, the best of the others", rate[STUDIO] / peers[best], 1.5, "x"),
        Figure(f"p99 of {best} at {bearable:.1f}/s", tail[best], unit="ms"),
        Figure("p99 of the graph at that rate", tail[STUDIO], tail[best], "ms", higher_is_better=False),
        *(Figure(f"{name}: pictures a second, {SMALL} px", found, unit="/s") for name, found in small.items()),
        Figure(
            f"the graph against itself on Serve's defaults, {SMALL} px",
            small[STUDIO] / small[ON_DEFAULTS],
            4,
            "x",
        ),
    ]


async def _rates(standing: Mapping[str, str], side: int) -> dict[str, float]:
    """Answers a second of each, loaded in turns: the median of the rounds."""

    async def loaded(name: str, ask: load.Ask, requests: int) -> float:
        answered = await load.closed_loop(standing[name], ask, clients=CLIENTS, requests=requests)
        return _whole(name, answered).rate

    warm = _asking(side, WARM_UP, first=0)
    requests = {name: max(WARM_UP, round(LOADED_S * await loaded(name, warm, WARM_UP))) for name in standing}
    most = max(requests.values())
    asks = [_asking(side, most, first=WARM_UP + turn * most) for turn in range(ROUNDS)]
    return _medians([{name: await loaded(name, ask, requests[name]) for name in standing} for ask in asks])


async def _tails(standing: Mapping[str, str], rate: float) -> dict[str, float]:
    """The 99th percentile of each in milliseconds under ``rate`` requests a second: the median of the rounds."""

    async def steady(name: str, ask: load.Ask) -> float:
        answered = await load.open_loop(standing[name], ask, rate=rate, seconds=STEADY_S)
        return _whole(name, answered).quantile(0.99)

    requests = round(rate * STEADY_S)
    asks = [_asking(SIDE, requests, first=STEADY_FIRST + turn * requests) for turn in range(ROUNDS)]
    return _medians([{name: await steady(name, ask) for name in standing} for ask in asks])


def _asking(side: int, requests: int, *, first: int) -> load.Ask:
    """So many requests, each for a picture of its own, numbered from ``first``: the studio remembers what it has moderated."""
    return load.post("/v1/style", uploads(side, requests, first=first), {"style": STYLE})


def _whole(name: str, answered: load.Load) -> load.Load:
    """Raises ``NeverReady`` unless everything was answered: whoever turns some away is quick with the others."""
    if answered.failed:
        asked = len(answered.answers)
        raise servers.NeverReady(f"{name} failed {answered.failed} of {asked}: {answered.lost[0].detail[:200]}")
    return answered


def _medians(rounds: Iterable[Mapping[str, float]]) -> dict[str, float]:
    taken = list(rounds)
    return {name: statistics.median(found[name] for found in taken) for name in taken[0]}


def _contenders() -> dict[str, Contender]:
    store = FolderStore(Settings().store_dir)
    chosen = select(store, ModelChoice()).chosen["style"]
    packs = [store.get(pack) for pack in chosen.extras]
    files = {
        "NETWORK": str(store.get(chosen.model).path("network.safetensors")),
        "STYLES": str(next(pack for pack in packs if "classic" in pack.manifest.model).path("styles.safetensors")),
        "NSFW": str(store.get("open-nsfw").path("open-nsfw.onnx")),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OMP_NUM_THREADS": "1",
    }
    service = "benchmarks.speed.peers.bentoml_service:Painting"
    bentoml = [sys.executable, "-m", "bentoml", "serve", service, "--port", "{port}", "--host", "127.0.0.1"]
    return {
        STUDIO: Contender(servers.studio(), "/readyz", {}),
        ON_DEFAULTS: Contender(servers.studio(), "/readyz", DEFAULTS),
        "FastAPI + torch": _script("fastapi_server", "/ready", files),
        "Ray Serve the obvious way": _script("serve_app", "/ready", files),
        "LitServe": _script("litserve_server", "/health", files),
        "BentoML": Contender(bentoml, "/readyz", files),
    }


def _script(name: str, ready: str, files: Mapping[str, str]) -> Contender:
    return Contender([sys.executable, str(PEERS / f"{name}.py"), "{port}"], ready, files)
