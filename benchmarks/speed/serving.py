"""The graph under load: against itself on Serve's defaults, and against what somebody would pick instead.

All servers stand at once and are loaded in turns, so that what else the machine does falls on all of them alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load
from benchmarks.figures import Figure
from benchmarks.speed import servers
from benchmarks.speed.pictures import uploads
from registry.store import FolderStore
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings

SIDE = 256
CLIENTS = 8
REQUESTS = 60
ROUNDS = 3
STYLE = "wave"

DEFAULTS = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "0", "RAY_SERVE_USE_GRPC_BY_DEFAULT": "0"}
PEERS = Path(__file__).parent / "peers"


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
    photos = uploads(SIDE, 16)
    ask = load.post("/v1/style", photos, {"style": STYLE})
    with contextlib.ExitStack() as opened:
        standing = {
            name: opened.enter_context(servers.served(entry.command, entry.ready, entry.environment)).address
            for name, entry in _contenders().items()
        }
        rates: dict[str, list[float]] = {name: [] for name in standing}
        for address in standing.values():
            await load.closed_loop(address, ask, clients=2, requests=8)
        for _ in range(ROUNDS):
            for name, address in standing.items():
                loaded = await load.closed_loop(address, ask, clients=CLIENTS, requests=REQUESTS)
                if loaded.failed:
                    raise servers.NeverReady(f"{name} failed {loaded.failed} of {REQUESTS} requests")
                rates[name].append(loaded.rate)
        rate = {name: statistics.median(found) for name, found in rates.items()}
        peers = {name: found for name, found in rate.items() if name not in ("studio", "studio on defaults")}
        best = max(peers, key=lambda name: peers[name])
        tails = {name: [0.0] * 0 for name in ("studio", best)}
        for _ in range(ROUNDS):
            for name, found in tails.items():
                steady = await load.open_loop(standing[name], ask, rate=0.6 * peers[best], seconds=15)
                found.append(steady.quantile(0.99))
    figures = [Figure(f"{name}: pictures a second, {SIDE} px", found, unit="/s") for name, found in rate.items()]
    tail = {name: statistics.median(found) for name, found in tails.items()}
    return [
        *figures,
        Figure("the graph against itself on Serve's defaults", rate["studio"] / rate["studio on defaults"], 4, "x"),
        Figure(f"the graph against {best}, the best of the others", rate["studio"] / peers[best], 1.5, "x"),
        Figure(f"p99 of {best} at 60 % of what it can bear", tail[best], unit="ms"),
        Figure("p99 of the graph at that rate", tail["studio"], tail[best], "ms", higher_is_better=False),
    ]


def _contenders() -> dict[str, Contender]:
    store = FolderStore(Settings().store_dir)
    chosen = select(store, ModelChoice()).chosen["style"]
    packs = [store.get(pack) for pack in chosen.extras]
    files = {
        "NETWORK": str(store.get(chosen.model).path("network.safetensors")),
        "STYLES": str(next(pack for pack in packs if "classic" in pack.manifest.model).path("styles.safetensors")),
        "NSFW": str(store.get("open-nsfw").path("open-nsfw.onnx")),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    found = {
        "studio": Contender(servers.studio(), "/readyz", {}),
        "studio on defaults": Contender(servers.studio(), "/readyz", DEFAULTS),
        "FastAPI + torch": _script("fastapi_server", "/ready", files),
        "Ray Serve the obvious way": _script("serve_app", "/ready", files),
    }
    if importlib.util.find_spec("litserve"):
        found["LitServe"] = _script("litserve_server", "/health", files)
    if importlib.util.find_spec("bentoml"):
        service = "benchmarks.speed.peers.bentoml_service:Painting"
        command = [sys.executable, "-m", "bentoml", "serve", service, "--port", "{port}", "--host", "127.0.0.1"]
        found["BentoML"] = Contender(command, "/readyz", files)
    return found


def _script(name: str, ready: str, files: Mapping[str, str]) -> Contender:
    return Contender([sys.executable, str(PEERS / f"{name}.py"), "{port}"], ready, files)
