"""One person at a time: what HTTP, the graph and moderation add to the engine, the first answer, the memory."""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from benchmarks import load
from benchmarks.figures import Figure
from benchmarks.ports import free_port
from benchmarks.speed import servers
from benchmarks.speed.pictures import uploads
from benchmarks.speed.rounds import Spread, ratio
from deployments.imaging import Limits, Photo
from deployments.moderation.engine import Verdict
from deployments.runtime import Runtime
from deployments.style.engine import StyleEngine, StyleQuery
from registry.store import FolderStore
from serve_app.local import studio
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings

if TYPE_CHECKING:
    from deployments.serving.types import Answer
    from serve_app.pipeline import Graph

SIDE = 512
# The bars of one person at a time, at the size of a small picture and as large as Telegram lets photos be, by rounds.
SIDES = {SIDE: 25, 1280: 9}
WARM_UP = 3


def run() -> list[Figure]:
    """A studio is started twice: as a process for its first answer and its memory, and here for everything else."""
    return [*_from_outside(), *_from_inside()]


def _from_outside() -> list[Figure]:
    photos = uploads(SIDE, 2)
    began = time.perf_counter()
    with servers.served(servers.studio(), "/readyz") as server:
        asyncio.run(_one_of_each(server.address, photos))
        first = time.perf_counter() - began
        asyncio.run(_warm(server.address, photos))
        return [
            Figure("first answer of every capability after the start", first, 20, "s", higher_is_better=False),
            Figure("memory, all capabilities warm", server.resident_mb() / 1024, 4, "GiB", higher_is_better=False),
        ]


async def _one_of_each(address: str, photos: list[bytes]) -> None:
    """Ask every capability once. Raises ``NeverReady`` for one that does not do its work."""
    calls: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
        ("style", ("image",), {"style": (await _two_styles(address))[0]}),
        ("moderate", ("image",), {}),
        ("authenticity", ("image",), {}),
        ("faces", ("image",), {}),
        ("lookalike", ("image",), {}),
        ("swap", ("source", "target"), {"mapping": "0:0"}),
        ("anonymize", ("image",), {"method": "blur"}),
    ]
    for capability, files, fields in calls:
        ask = load.post(f"/v1/{capability}", photos, fields, files=files)
        answered = await load.closed_loop(address, ask, clients=1, requests=1)
        if answered.failed:
            raise servers.NeverReady(f"{capability} did not do its work: {answered.lost[0].detail[:200]}")


async def _warm(address: str, photos: list[bytes]) -> None:
    for _ in range(3):
        await _one_of_each(address, photos[::-1])


async def _two_styles(address: str) -> tuple[str, str]:
    async with aiohttp.ClientSession(address) as session, session.get("/v1/styles") as response:
        one, another, *_ = (await response.json())["styles"]
        return one["name"], another["name"]


def _from_inside() -> list[Figure]:
    settings = Settings(port=free_port())
    with studio(settings) as address:
        figures = asyncio.run(_all_measured(settings, address))
        # The studio closes after the loop, and Serve would complain that nobody listens to it any more.
        logging.getLogger("ray.serve").setLevel(logging.CRITICAL)
        return figures


async def _all_measured(settings: Settings, address: str) -> list[Figure]:
    # Only now: Ray reads its environment, which the studio has set, when it is imported.
    from serve_app.app import running_graph
    from serve_app.inventory import inventory_of

    styles = await _two_styles(address)
    graph = running_graph(settings, inventory_of(settings))
    engine = _engine(settings)
    figures = [
        replace(figure, name=f"{figure.name}, {side} px")
        for side, rounds in SIDES.items()
        for figure in await _measured(address, graph, engine, styles, side, rounds)
    ]
    engine.close()
    query = StyleQuery(Photo.open(uploads(SIDE, 1)[0]), ((styles[0], 1.0),))
    restart = await _restart_s(graph, query)
    return [*figures, Figure("from a style replica's end to its successor's first answer", restart, unit="s")]


async def _measured(
    address: str, graph: Graph, engine: StyleEngine, styles: tuple[str, str], side: int, rounds: int
) -> list[Figure]:
    """What is added to the engine's own time at one picture of ``side`` px after the other."""
    from serve_app.pipeline import Pipeline

    style, another = styles
    incoming: set[bytes] = set()
    watched = {
        "moderated": graph,
        "moderated on the way in": _open_door(graph, watched=lambda photo: photo.data in incoming),
        "unmoderated": _open_door(graph, watched=lambda _photo: False),
    }
    pipelines = {name: Pipeline(doors, Limits()) for name, doors in watched.items()}
    # Moderation knows the pictures it has seen: everybody has their own, but for one on which style after style is tried.
    fresh = iter(uploads(side, 1 + (2 + len(pipelines)) * (WARM_UP + rounds)))
    known = next(fresh)
    times: dict[str, list[float]] = {}
    async with load.session(address) as session:

        def http(data: bytes, styles: str) -> Awaitable[object]:
            return load.post("/v1/style", [data], {"style": styles})(session, 0)

        await http(known, style)
        for number in range(WARM_UP + rounds):
            queries = {name: StyleQuery(Photo.open(next(fresh)), ((style, 1.0),)) for name in ("engine", *pipelines)}
            incoming.update(query.photo.data for query in queries.values())
            steps: dict[str, Callable[[], Awaitable[object]]] = {
                "engine": partial(asyncio.to_thread, engine.run, [queries["engine"]]),
                "http": partial(http, next(fresh), style),
                "http, known": partial(http, known, f"{style}:{1 - number / 100},{another}:{number / 100}"),
                **{name: partial(one.style, queries[name].photo, queries[name]) for name, one in pipelines.items()},
            }
            # Whoever comes first finds a cold photo, whoever follows the engine a busy cache: everybody does once.
            first = number % len(steps)
            for name, step in [*steps.items()][first:] + [*steps.items()][:first]:
                began = time.perf_counter()
                await step()
                if number >= WARM_UP:
                    times.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    taken = {name: Spread(tuple(found)) for name, found in times.items()}
    beside, all_of_it = (
        100 * (ratio(taken[name], taken["unmoderated"]) - 1) for name in ("moderated on the way in", "moderated")
    )
    added, added_known = (
        statistics.median(there - here for there, here in zip(times[name], times["engine"], strict=True))
        for name in ("http", "http, known")
    )
    engine_ms = taken["engine"].median
    bar_ms = max(0.25 * engine_ms, 8.0)
    return [
        Figure("style, engine alone, as many threads as a replica has", engine_ms, unit="ms"),
        Figure("style over HTTP at concurrency one", taken["http"].median, unit="ms"),
        Figure("what HTTP, the graph and two moderations add", added, bar_ms, "ms", higher_is_better=False),
        Figure("the same where the photo was moderated before", added_known, unit="ms", higher_is_better=False),
        Figure("what moderation beside the work adds to style", beside, 5, "%", higher_is_better=False),
        Figure("what it adds with the painting's, after the work", all_of_it, unit="%", higher_is_better=False),
    ]


async def _restart_s(graph: Graph, query: StyleQuery) -> float:
    """End the style replica and wait for an answer: a process, its imports, the model and the warm-up, as when scaling."""
    import ray

    from deployments.errors import Unavailable

    (actor,) = [found for found in ray.util.list_named_actors(all_namespaces=True) if "#Style#" in found["name"]]
    began = time.perf_counter()
    ray.kill(ray.get_actor(actor["name"], actor["namespace"]))
    paint = graph.style
    if paint is None:
        raise servers.NeverReady("the graph paints no more")
    while True:
        try:
            await paint(query)
        except Unavailable:
            if time.perf_counter() - began > servers.PATIENCE_S:
                raise
        else:
            return time.perf_counter() - began


def _engine(settings: Settings) -> StyleEngine:
    store = FolderStore(settings.store_dir)
    chosen = select(store, ModelChoice()).chosen["style"]
    packs = [store.get(pack) for pack in chosen.extras]
    return StyleEngine(store.get(chosen.model), packs, Runtime(threads=settings.threads))


def _open_door(graph: Graph, *, watched: Callable[[Photo], bool]) -> Graph:
    """The same graph with the doorman only looking at some: only here, to see what he costs."""
    from deployments.serving.types import Answer

    async def moderate(photo: Photo) -> Answer[Verdict]:
        if watched(photo):
            return await graph.moderate(photo)
        return Answer(Verdict(allowed=True, scores={}, rule=None), "nobody")

    return replace(graph, moderate=moderate)
