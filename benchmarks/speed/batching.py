"""The style deployment with batches and without, each so busy that it never waits, on a GPU where there is one.

It is the deployment that serves, decoding and encoding included, called without a network. Twice as many clients as a
batch takes keep it busy: one batch is painted, the next waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import onnxruntime as ort

from benchmarks import load
from benchmarks.figures import Figure
from benchmarks.speed.pictures import uploads
from deployments.imaging import Photo
from deployments.runtime import Device, Runtime
from deployments.serving.types import Options
from deployments.serving.user_config import UserConfig
from deployments.slots import ModelSet, Plan
from deployments.style.deployment import Style
from deployments.style.engine import StyleQuery
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings

SIDE: Final = 512
BATCH: Final = 8
ROUNDS: Final = 5
BATCHES: Final = 6
"""So many full batches are worked off in a round, and as many pictures one by one."""


def run(side: int = SIDE, rounds: int = ROUNDS) -> list[Figure]:
    """What batches gain and what they cost whoever waits. On a processor both only inform."""
    device: Device = "cuda" if "CUDAExecutionProvider" in ort.get_available_providers() else "cpu"
    return asyncio.run(_measured(device, side, rounds))


async def _measured(device: Device, side: int, rounds: int) -> list[Figure]:
    settings = Settings()
    chosen = select(settings.model_store.open(), ModelChoice()).chosen["style"]
    runtime = Runtime(device, settings.threads)
    photos = [Photo.open(data) for data in uploads(side, 2 * BATCH)]
    rates: dict[int, list[float]] = {1: [], BATCH: []}
    waits: dict[int, list[float]] = {1: [], BATCH: []}
    async with _serving(settings, chosen, runtime, 1) as alone, _serving(settings, chosen, runtime, BATCH) as together:
        style = (await alone.styles()).value[0].name
        queries = [StyleQuery(photo, ((style, 1.0),)) for photo in photos]
        for number in range(1 + rounds):
            for size, deployment in ((1, alone), (BATCH, together)):
                answered = await load.saturate(
                    partial(_painted, deployment, queries), clients=2 * size, requests=BATCHES * BATCH
                )
                if number:  # the first warms up
                    rates[size].append(answered.rate)
                    waits[size].append(answered.quantile(0.95))
    gain, longer = (
        statistics.median(many / one for one, many in zip(found[1], found[BATCH], strict=True))
        for found in (rates, waits)
    )
    binds = device == "cuda"
    place = "a GPU" if binds else f"{runtime.threads} cores"
    return [
        Figure(f"{chosen.model} on {place}, {side} px, one by one", statistics.median(rates[1]), unit="/s"),
        Figure(f"the same in batches of {BATCH}", statistics.median(rates[BATCH]), unit="/s"),
        Figure("gained by batches at saturation", gain, 3.5 if binds else None, "x"),
        Figure("their p95 against one by one", longer, 2 if binds else None, "x", higher_is_better=False),
    ]


@contextlib.asynccontextmanager
async def _serving(settings: Settings, chosen: ModelSet, runtime: Runtime, max_batch: int) -> AsyncIterator[Style]:
    deployment = Style(Options(settings.model_store, runtime, max_batch))
    await deployment.reconfigure(UserConfig.of(Plan(chosen)).document())
    try:
        yield deployment
    finally:
        deployment._slot.close()  # noqa: SLF001  # what serves ends with its process


async def _painted(deployment: Style, queries: list[StyleQuery], number: int) -> load.Reply:
    answer = await deployment.answer(queries[number % len(queries)])
    return load.Reply(200, answer.model)
