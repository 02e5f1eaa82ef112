"""Five times as many people as there is room for: those who are served are served as well as ever, the rest know at once."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import aiohttp

from benchmarks.figures import Figure, never
from benchmarks.load import Answered, Load, Reply, closed_loop, constant_arrival, open_loop, session
from drills.cluster.calls import PAINT, asked
from drills.cluster.logical import IMPORT_PATH
from drills.cluster.stage import Stage
from drills.photo import portrait
from drills.telling import Tell, say

REPLICAS = {"Gateway": 2}
TIMES = 5.0
AFTER_S = 25.0
CLIENTS = 12
PRIME, MEASURE = 100, 200
SLOW_S = 1.0
"""After the rush an answer that takes longer than this is not back to normal."""


async def overload(stage: Stage, tell: Tell, *, seconds: float) -> list[Figure]:
    """Capacity, then :data:`TIMES` as much for ``seconds``, then half of it again."""
    await asyncio.to_thread(stage.deploy, IMPORT_PATH)
    photo = portrait()
    tell("finding the capacity", 0, 3)
    ask = partial(_ask, photo=photo)
    # The first runs are for everything that is made when it is first needed.
    await closed_loop(stage.url, ask, clients=CLIENTS, requests=PRIME)
    capacity = (await closed_loop(stage.url, ask, clients=CLIENTS, requests=MEASURE)).rate
    before_mb = peak_mb = halfway_mb = stage.resident_mb()
    async with session(stage.url) as http:
        began = time.perf_counter()
        async with constant_arrival(partial(ask, http), rate=TIMES * capacity) as load:
            while (passed := time.perf_counter() - began) < seconds:
                tell(f"{len(load.answers)} answered, {len(_refused(load))} refused", int(passed), int(seconds))
                peak_mb = max(peak_mb, now_mb := await asyncio.to_thread(stage.resident_mb))
                halfway_mb = now_mb if passed < seconds / 2 else halfway_mb
                await asyncio.sleep(min(2.0, seconds - passed))
            ended = time.perf_counter()
            # Those who are still on their way count, and those who come after are not to wait for the drill.
            after = asyncio.create_task(open_loop(stage.url, ask, rate=capacity / 2, seconds=AFTER_S))
        later = await after
    refused = _refused(load)
    refusals = Load([Answered(answer.due, answer.ended, 200) for answer in refused])
    served = [answer for answer in load.answers if answer.status == 200 and answer.ended <= ended]
    goodput = len(served) / (ended - began)
    others = [answer for answer in load.lost if answer not in refused]
    for answer in others[:5]:
        say(f"  neither served nor refused: {answer.status} {answer.detail[:200]}")
    return [
        Figure("capacity", capacity, unit="/s"),
        Figure("arrivals", len(load.answers) / (ended - began), TIMES * capacity * 0.95, "/s"),
        Figure("goodput", goodput, 0.9 * capacity, "/s"),
        Figure("half of the served wait at most", load.quantile(0.5), unit="ms"),
        Figure("99 of 100 served wait at most", load.quantile(0.99), unit="ms"),
        Figure("refused", len(refused)),
        Figure("half of the refused know within", refusals.quantile(0.5), unit="ms"),
        Figure("99 of 100 refused know within", refusals.quantile(0.99), 100, "ms", higher_is_better=False),
        never("refused without Retry-After", sum(not a.model for a in refused)),
        never("neither served nor refused", len(others)),
        Figure("memory before", before_mb, unit="MiB"),
        Figure("memory at most", peak_mb, before_mb * 1.25, "MiB", higher_is_better=False),
        Figure("of that grown in the second half", peak_mb - halfway_mb, before_mb * 0.05, "MiB", higher_is_better=False),
        Figure("back to normal after", recovered(later, ended), 10, "s", higher_is_better=False),
    ]  # fmt: skip


async def _ask(http: aiohttp.ClientSession, _number: int, *, photo: bytes) -> Reply:
    async with asked(http, PAINT, photo) as response:
        body = await response.read()
        # Of a refusal the second field says when to come back.
        return Reply(response.status, response.headers.get("retry-after", ""), "" if response.ok else repr(body[:200]))


def _refused(load: Load) -> list[Answered]:
    return [answer for answer in load.answers if answer.status == 429]


def recovered(later: Load, ended: float) -> float:
    """Seconds from the end of the rush to when the last request left that was refused, or had to wait."""
    troubled = [answer.due - ended for answer in later.answers if answer.status != 200 or answer.latency_s > SLOW_S]
    return max(troubled, default=0.0)
