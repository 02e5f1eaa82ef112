"""Parts of a studio are killed while people use it: by a client of ours nobody notices, by a bare one next to nobody."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.figures import Figure, never
from benchmarks.load import Answered, Load, constant_arrival, session
from drills.cluster.calls import DEADLINE_S, bare, delivered, patient
from drills.cluster.stage import CONTROLLER, PROXY, REPLICA, Stage
from drills.photo import portrait
from drills.telling import Tell, say
from serve_app.client import StudioClient

RATE = 6.0
REPLICAS = {"Gateway": 3, "Moderation": 3, "Style": 3, "Authenticity": 3}
EVERY_S = {REPLICA: 3.0, PROXY: 30.0, CONTROLLER: 60.0}
OFFSET_S = {PROXY: -15.0}
BARS_S = {PROXY: 5.0, "others": 2.0}
# A proxy's absence may last this long; whoever is under way meanwhile waits for the proxy.
PROXY_SPELL_S = 6.0
NAMES = {REPLICA: "a replica", PROXY: "the proxy", CONTROLLER: "the controller"}


@dataclass(frozen=True, slots=True)
class Kill:
    """What was killed, and when (``time.perf_counter``)."""

    at: float
    kind: str


async def with_our_client(stage: Stage, tell: Tell, *, seconds: float) -> list[Figure]:
    """Replicas, the proxy and the controller are killed while a client that retries within its deadline asks."""
    jobs: list[str] = []
    async with StudioClient(stage.url, deadline_s=DEADLINE_S) as client:
        async with (
            constant_arrival(patient(client, portrait(), jobs), rate=RATE) as load,
            _killing(stage, tuple(EVERY_S)) as kills,
        ):
            await _meanwhile(load, seconds, tell)
        kept = await delivered(client, jobs)
    by_proxy, others = attributed(load.answers, kills)
    return [
        *_counted(kills, seconds),
        Figure("requests", len(load.answers), RATE * seconds * 0.95),
        never("failed, our client", _told(load)),
        Figure("half answered within", load.quantile(0.5), unit="ms"),
        Figure("99 of 100 answered within", load.quantile(0.99), unit="ms"),
        Figure("worst stall, replicas and controller killed", _worst(others), BARS_S["others"], "s", higher_is_better=False),
        Figure("worst stall, the only proxy killed", _worst(by_proxy), BARS_S[PROXY], "s", higher_is_better=False),
        Figure("jobs ordered that have a result", kept, len(jobs)),
    ]  # fmt: skip


async def with_bare_client(stage: Stage, tell: Tell, *, seconds: float) -> list[Figure]:
    """Replicas alone are killed while a client that never asks twice asks."""
    async with (
        session(stage.url) as http,
        constant_arrival(bare(http, portrait()), rate=RATE) as load,
        _killing(stage, (REPLICA,)) as kills,
    ):
        await _meanwhile(load, seconds, tell)
    share = 100 * _told(load) / len(load.answers)
    return [
        *_counted(kills, seconds),
        Figure("requests", len(load.answers), RATE * seconds * 0.95),
        Figure("failed, a bare client", share, 0.5, "%", higher_is_better=False),
        Figure("worst stall", _worst(load.answers), BARS_S["others"], "s", higher_is_better=False),
    ]


@asynccontextmanager
async def _killing(stage: Stage, kinds: tuple[str, ...]) -> AsyncIterator[list[Kill]]:
    """Kill one of each kind at its intervals until the block ends.

    The kinds begin one after the other: what is tried is each death, and replicas' beside each of the others, rather than
    that of a proxy nobody is left to replace.
    """
    kills: list[Kill] = []

    async def each(kind: str, offset_s: float) -> None:
        await asyncio.sleep(EVERY_S[kind] + offset_s)
        while True:
            at = time.perf_counter()
            if await asyncio.to_thread(stage.kill, kind):
                kills.append(Kill(at, kind))
            await asyncio.sleep(EVERY_S[kind])

    tasks = [asyncio.create_task(each(kind, OFFSET_S.get(kind, 0.0))) for kind in kinds]
    try:
        yield kills
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _meanwhile(load: Load, seconds: float, tell: Tell) -> None:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        tell(f"{len(load.answers)} answered, {load.failed} failed", int(passed), int(seconds))
        await asyncio.sleep(min(1.0, seconds - passed))


def attributed(answers: list[Answered], kills: list[Kill]) -> tuple[list[Answered], list[Answered]]:
    """Requests that were under way while a proxy may have been away, and the others."""
    spells = [(kill.at, kill.at + PROXY_SPELL_S) for kill in kills if kill.kind == PROXY]
    met = [any(answer.due <= ends and answer.ended >= at for at, ends in spells) for answer in answers]
    return (
        [answer for answer, proxy in zip(answers, met, strict=True) if proxy],
        [answer for answer, proxy in zip(answers, met, strict=True) if not proxy],
    )


def _counted(kills: list[Kill], seconds: float) -> list[Figure]:
    counts = {kind: sum(kill.kind == kind for kill in kills) for kind in EVERY_S}
    return [
        Figure(f"times {NAMES[kind]} was killed", count, max(1, int(seconds / EVERY_S[kind] * 0.9) - 1))
        for kind, count in counts.items()
        if count
    ]


def _told(load: Load) -> int:
    for answer in load.lost[:10]:
        say(f"  failed: {answer.status} {answer.detail[:300]}")
    return load.failed


def _worst(answers: list[Answered]) -> float:
    return max((answer.latency_s for answer in answers), default=0.0)
