"""One person at a time: what HTTP, the graph and moderation add to the engine, the first answer, the memory."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from benchmarks import load
from benchmarks.figures import Figure
from benchmarks.speed import servers
from benchmarks.speed.pictures import uploads
from deployments.imaging import Limits, Photo
from deployments.moderation.engine import Verdict
from deployments.runtime import Runtime
from deployments.style.engine import StyleEngine, StyleQuery
from registry.store import FolderStore
from serve_app.local import studio
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings

if TYPE_CHECKING:
    from deployments.serving import Answer
    from serve_app.pipeline import Graph

SIDE = 512
ROUNDS = 25


def run() -> list[Figure]:
    """A studio is started twice: as a process for its first answer and its memory, and here for everything else."""
    return [*_from_outside(), *asyncio.run(_from_inside())]


def _from_outside() -> list[Figure]:
    photos = uploads(SIDE, 2)
    began = time.perf_counter()
    with servers.served(servers.studio(), "/readyz") as server:
        asyncio.run(_one_of_each(server.address, photos[0]))
        first = time.perf_counter() - began
        asyncio.run(_warm(server.address, photos))
        return [
            Figure("first answer of every capability after the start", first, 20, "s", higher_is_better=False),
            Figure("memory, all capabilities warm", server.resident_mb() / 1024, 4, "GiB", higher_is_better=False),
        ]


async def _one_of_each(address: str, photo: bytes) -> None:
    paths = {"/v1/style": {"style": await _a_style(address)}, "/v1/moderate": {}, "/v1/faces": {}, "/v1/lookalike": {}}
    for path, fields in paths.items():
        answered = await load.closed_loop(address, load.post(path, [photo], fields), clients=1, requests=1)
        if answered.failed and path != "/v1/lookalike":  # the photo may show nobody
            raise servers.NeverReady(f"{path} did not answer")


async def _warm(address: str, photos: list[bytes]) -> None:
    for _ in range(3):
        await _one_of_each(address, photos[1])


async def _a_style(address: str) -> str:
    async with aiohttp.ClientSession(address) as session, session.get("/v1/styles") as response:
        name: str = (await response.json())["styles"][0]["name"]
        return name


async def _from_inside() -> list[Figure]:
    settings = Settings(port=servers.free_port())
    with studio(settings) as address:
        # Only now: Ray reads its environment, which the studio has set, when it is imported.
        from bot.installed import inventory_of
        from bot.process import running_graph
        from serve_app.pipeline import Pipeline

        style = await _a_style(address)
        uploaded = uploads(SIDE, 8)
        graph = running_graph(settings, inventory_of(settings))
        moderated, unmoderated = Pipeline(graph, Limits()), Pipeline(_open_door(graph), Limits())
        photos = [Photo.open(data) for data in uploaded]
        engine = _engine(settings)
        times: dict[str, list[float]] = {"engine": [], "http": [], "moderated": [], "unmoderated": []}
        ask = load.post("/v1/style", uploaded, {"style": style})
        async with aiohttp.ClientSession(address) as session:
            for number in range(-3, ROUNDS):
                photo = photos[number % len(photos)]
                query = StyleQuery(photo, ((style, 1.0),))
                steps: dict[str, Callable[[], Awaitable[object]]] = {
                    "engine": partial(asyncio.to_thread, engine.run, [query]),
                    "http": partial(ask, session, number % len(photos)),
                    "moderated": partial(moderated.style, photo, query),
                    "unmoderated": partial(unmoderated.style, photo, query),
                }
                for name, step in steps.items():
                    began = time.perf_counter()
                    await step()
                    if number >= 0:
                        times[name].append((time.perf_counter() - began) * 1000)
        engine.close()
    median = {name: statistics.median(taken) for name, taken in times.items()}
    added = median["http"] - median["engine"]
    allowed = max(0.25 * median["engine"], 8.0)
    share = 100 * (median["moderated"] / median["unmoderated"] - 1)
    return [
        Figure("style, engine alone, as many threads as a replica has", median["engine"], unit="ms"),
        Figure("style over HTTP at concurrency one", median["http"], unit="ms"),
        Figure("what HTTP, the graph and two moderations add", added, allowed, "ms", higher_is_better=False),
        Figure("what moderation adds to style", share, 5, "%", higher_is_better=False),
    ]


def _engine(settings: Settings) -> StyleEngine:
    store = FolderStore(settings.store_dir)
    chosen = select(store, ModelChoice()).chosen["style"]
    packs = [store.get(pack) for pack in chosen.extras]
    return StyleEngine(store.get(chosen.model), packs, Runtime(threads=settings.threads))


def _open_door(graph: Graph) -> Graph:
    """The same graph with nobody at the door: only here, to see what the doorman costs."""
    from deployments.serving import Answer

    async def allowed(_photo: Photo) -> Answer[Verdict]:
        return Answer(Verdict(allowed=True, scores={}, rule=None), "nobody")

    return replace(graph, moderate=allowed)
