"""Token buckets and the gate for strangers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from bot.intake.flood import FloodGate
from bot.settings import FloodLimits
from bot.updates.dispatcher import PASSING
from serve_app.rates import Rate, RedisBuckets, Want
from tests.clock import Clock
from tests.memory_buckets import MemoryBuckets

TODAY = 1_750_000_000.0


@pytest.fixture
def clock() -> Clock:
    return Clock(TODAY)


@pytest.fixture
def buckets(clock: Clock) -> MemoryBuckets:
    return MemoryBuckets(clock=clock)


@given(
    rate=st.builds(Rate, st.floats(0.05, 50), st.integers(1, 20)),
    pauses=st.lists(st.floats(0, 10), min_size=1, max_size=60),
)
async def test_no_span_holds_more_than_burst_and_rate_allow(rate: Rate, pauses: list[float]) -> None:
    clock = Clock(1_000.0)
    buckets = MemoryBuckets(clock=clock)
    given_at = []
    for pause in pauses:
        clock.now += pause
        if await buckets.take([Want("a", rate)]) == (0.0,):
            given_at.append(clock.now)
    for first, start in enumerate(given_at):
        for last, end in enumerate(given_at[first:], first):
            assert last - first + 1 <= rate.burst + rate.per_s * (end - start) + 0.01


async def test_the_wait_told_is_the_wait_it_takes(buckets, clock) -> None:
    want = Want("a", Rate(0.5, 2))
    assert [await buckets.take([want]) for _ in range(3)] == [(0.0,), (0.0,), (pytest.approx(2.0),)]
    clock.now += 1.9
    assert (await buckets.take([want]))[0] > 0
    clock.now += 0.1
    assert await buckets.take([want]) == (0.0,)


async def test_all_is_taken_or_nothing(buckets) -> None:
    many, one = Want("many", Rate(1, 5)), Want("one", Rate(1, 1))
    assert await buckets.take([many, one]) == (0.0, 0.0)
    assert await buckets.take([many, one]) == (0.0, pytest.approx(1.0))
    assert [await buckets.take([many]) for _ in range(4)] == [(0.0,)] * 4
    assert (await buckets.take([many]))[0] > 0


async def test_more_than_a_bucket_holds_is_given_when_it_is_full_and_paid_for_later(buckets, clock) -> None:
    rate = Rate(1, 3)
    assert await buckets.take([Want("a", rate, 10)]) == (0.0,)
    assert (await buckets.take([Want("a", rate)]))[0] == pytest.approx(8.0)


async def test_after_a_block_comes_one_and_not_a_burst(buckets, clock) -> None:
    want = Want("a", Rate(1, 5))
    await buckets.block(want, 10)
    assert (await buckets.take([want]))[0] == pytest.approx(10.0)
    clock.now += 10
    assert await buckets.take([want]) == (0.0,)
    assert (await buckets.take([want]))[0] == pytest.approx(1.0)


async def test_a_block_never_shortens_a_longer_wait(buckets) -> None:
    want = Want("a", Rate(1, 1))
    await buckets.block(want, 100)
    await buckets.block(want, 1)
    assert (await buckets.take([want]))[0] == pytest.approx(100.0)


async def test_what_was_asked_while_redis_is_away_has_to_come_again(tmp_path: Path) -> None:
    async with Redis(unix_socket_path=str(tmp_path / "nobody.sock"), retry=None) as away:
        buckets = RedisBuckets(away)
        for call in (buckets.take([Want("a", Rate(1, 1))]), buckets.block(Want("a", Rate(1, 1)), 5)):
            with pytest.raises(ConnectionError) as problem:
                await call
            assert isinstance(problem.value, PASSING)


async def test_somebody_who_floods_is_not_heard_and_told_for_how_long(buckets, clock) -> None:
    gate = FloodGate(buckets, FloodLimits(per_minute=30, burst=3))
    assert [await gate.admit(1, 1) for _ in range(3)] == [0, 0, 0]
    wait = await gate.admit(1, 1)
    assert wait == pytest.approx(2.0)
    assert await gate.admit(2, 2) == 0
    clock.now += wait
    assert await gate.admit(1, 1) == 0


async def test_an_album_counts_once_however_many_parts_it_has(buckets, clock) -> None:
    gate = FloodGate(buckets, FloodLimits(per_minute=30, burst=2))
    for album in ("a", "b"):
        assert [await gate.admit(1, 1, album) for _ in range(10)] == [0] * 10
    assert await gate.admit(1, 1) > 0
    assert min([await gate.admit(1, 1, "c") for _ in range(10)]) > 0
    clock.now += 2
    assert [await gate.admit(1, 1, "c") for _ in range(10)] == [0] * 10
    # In another chat it is another album.
    assert await gate.admit(1, -100, "c") > 0


async def test_a_group_is_heard_only_so_often_whoever_speaks(buckets) -> None:
    gate = FloodGate(buckets, FloodLimits(chat_per_minute=60, chat_burst=4, burst=3))
    heard = [await gate.admit(person, -100) for person in range(1, 7)]
    assert heard[:4] == [0, 0, 0, 0]
    assert min(heard[4:]) > 0
    assert await gate.admit(9, -200) == 0


async def test_who_was_not_heard_in_a_group_has_lost_nothing_by_it(buckets) -> None:
    gate = FloodGate(buckets, FloodLimits(chat_burst=1, burst=1))
    assert await gate.admit(1, -100) == 0
    assert await gate.admit(2, -100) > 0
    assert await gate.admit(2, 2) == 0
