"""A lone query never waits; those that come while the engine is busy share its next run."""

from __future__ import annotations

import asyncio

import pytest

from deployments.errors import Busy
from deployments.serving.batching import Batcher


class Engine:
    """Notes its batches and can be held in the middle of one."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = asyncio.Event()
        self.free.set()

    async def run(self, batch: list[int]) -> list[int | Exception]:
        self.batches.append(batch)
        await self.free.wait()
        return [ValueError(query) if query < 0 else 10 * query for query in batch]


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def batcher(engine: Engine) -> Batcher[int, int]:
    return Batcher(engine.run, max_batch=4)


async def ask(batcher: Batcher[int, int], *queries: int) -> list[asyncio.Task[int]]:
    """Ask all at once; returns when everybody stands in the queue."""
    tasks = [asyncio.create_task(batcher.submit(query)) for query in queries]
    await asyncio.sleep(0)
    return tasks


async def test_a_lone_query_is_a_batch_of_one(engine: Engine, batcher: Batcher[int, int]) -> None:
    assert await batcher.submit(3) == 30
    assert engine.batches == [[3]]


async def test_what_comes_while_the_engine_is_busy_shares_its_next_run(
    engine: Engine, batcher: Batcher[int, int]
) -> None:
    engine.free.clear()
    first = await ask(batcher, 0)
    await asyncio.sleep(0)
    later = await ask(batcher, 1, 2, 3)
    engine.free.set()
    assert await asyncio.gather(*first, *later) == [0, 10, 20, 30]
    assert engine.batches == [[0], [1, 2, 3]]


async def test_a_batch_is_never_larger_than_allowed(engine: Engine, batcher: Batcher[int, int]) -> None:
    await asyncio.gather(*await ask(batcher, *range(10)))
    assert [len(batch) for batch in engine.batches] == [4, 4, 2]
    assert [query for batch in engine.batches for query in batch] == list(range(10))


async def test_an_error_reaches_only_the_one_who_asked(batcher: Batcher[int, int]) -> None:
    outcomes = await asyncio.gather(*await ask(batcher, 1, -2, 3), return_exceptions=True)
    assert (outcomes[0], outcomes[2]) == (10, 30)
    assert isinstance(outcomes[1], ValueError)


async def test_somebody_who_left_the_queue_is_not_worked_for(engine: Engine, batcher: Batcher[int, int]) -> None:
    engine.free.clear()
    first = await ask(batcher, 0)
    await asyncio.sleep(0)
    gone, stays = await ask(batcher, 1, 2)
    gone.cancel()
    engine.free.set()
    assert await asyncio.gather(*first, stays) == [0, 20]
    assert engine.batches == [[0], [2]]


async def test_a_run_that_breaks_breaks_for_its_batch_and_not_for_the_next() -> None:
    broken = True

    async def run(batch: list[int]) -> list[int | Exception]:
        if broken:
            raise RuntimeError("out of memory")
        return list(batch)

    batcher: Batcher[int, int] = Batcher(run, max_batch=4)
    with pytest.raises(RuntimeError, match="out of memory"):
        await batcher.submit(1)
    broken = False
    assert await batcher.submit(2) == 2


async def test_who_would_wait_too_long_is_turned_away_at_once(engine: Engine) -> None:
    batcher: Batcher[int, int] = Batcher(engine.run, max_batch=1, queue_s=0.0)
    await batcher.submit(1)
    engine.free.clear()
    waiting = await ask(batcher, 2)
    await asyncio.sleep(0)
    waiting += await ask(batcher, 3)
    with pytest.raises(Busy) as caught:
        await batcher.submit(4)
    assert caught.value.details["retry_after"] >= 1
    engine.free.set()
    assert await asyncio.gather(*waiting) == [20, 30]
    assert await batcher.submit(5) == 50


async def test_the_next_batch_may_always_fill(engine: Engine) -> None:
    batcher: Batcher[int, int] = Batcher(engine.run, max_batch=3, queue_s=0.0)
    await batcher.submit(0)
    engine.free.clear()
    first = await ask(batcher, 1)
    await asyncio.sleep(0)
    later = await ask(batcher, 2, 3, 4)
    engine.free.set()
    assert await asyncio.gather(*first, *later) == [10, 20, 30, 40]


async def test_somebody_who_left_takes_up_no_room(engine: Engine) -> None:
    batcher: Batcher[int, int] = Batcher(engine.run, max_batch=1, queue_s=0.0)
    await batcher.submit(0)
    engine.free.clear()
    running, leaving = await ask(batcher, 1, 2)
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    (staying,) = await ask(batcher, 3)
    engine.free.set()
    assert await asyncio.gather(running, staying) == [10, 30]
