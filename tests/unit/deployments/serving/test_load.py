"""What a replica tells the autoscaler: its work over the last seconds, by a clock the test holds."""

from __future__ import annotations

import asyncio

import pytest

from deployments.serving.batching import Batcher
from deployments.serving.load import WINDOW_S, LoadMeter
from tests.clock import Clock
from tests.eventually import until


def worked(meter: LoadMeter, clock: Clock, seconds: float, queries: int = 1, waited: float = 0.0) -> None:
    meter.begin([clock.now - waited] * queries)
    clock.now += seconds
    meter.end()


def test_busy_is_the_share_of_the_window_the_engine_ran() -> None:
    clock = Clock()
    meter = LoadMeter(clock)
    clock.now += WINDOW_S
    worked(meter, clock, 2.5)
    assert meter.load(0).busy == pytest.approx(0.25)


def test_a_batch_that_is_still_running_counts() -> None:
    clock = Clock()
    meter = LoadMeter(clock)
    clock.now += WINDOW_S
    meter.begin([clock.now])
    clock.now += 5
    load = meter.load(3)
    assert (load.busy, load.waiting) == (pytest.approx(0.5), 3)


def test_service_time_is_shared_by_a_batch_and_the_longest_wait_is_told() -> None:
    clock = Clock()
    meter = LoadMeter(clock)
    worked(meter, clock, 0.8, queries=8, waited=1.5)
    load = meter.load(0)
    assert (load.service_s, load.queue_s) == (pytest.approx(0.1), pytest.approx(1.5))


def test_what_is_long_over_is_forgotten() -> None:
    clock = Clock()
    meter = LoadMeter(clock)
    worked(meter, clock, 3, waited=9)
    clock.now += WINDOW_S + 1
    load = meter.load(0)
    assert (load.busy, load.service_s, load.queue_s) == (0, 0, 0)


async def test_a_batcher_counts_those_who_wait_and_not_those_who_left() -> None:
    go_on = asyncio.Event()

    async def run(batch: list[int]) -> list[int | Exception]:
        await go_on.wait()
        return list(batch)

    batcher: Batcher[int, int] = Batcher(run, max_batch=1)
    asked = [asyncio.create_task(batcher.submit(number)) for number in range(4)]
    await until(lambda: batcher.load().waiting == 3)
    asked[3].cancel()
    await asyncio.wait([asked[3]])
    assert batcher.load().waiting == 2
    go_on.set()
    assert await asyncio.gather(*asked[:3]) == [0, 1, 2]
    assert batcher.load().waiting == 0
    assert batcher.load().service_s > 0
