"""Outbound messages: no limit of Telegram's broken, refusals obeyed, nobody starved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.delivery.limiter import Limiter
from bot.delivery.messages import Flooded
from tests.memory_buckets import MemoryBuckets

EPSILON = 1e-3


@pytest.fixture
def limiter(time) -> Limiter:
    return Limiter(MemoryBuckets(clock=time), clock=time, sleep=time.sleep)


class Log:
    """What was sent when: (time, chat, messages)."""

    def __init__(self, time, limiter) -> None:
        self.time, self.limiter, self.start = time, limiter, time.now
        self.sent: list[tuple[float, int, int]] = []

    async def send(self, chat: int, messages: int = 1, after: float = 0.0) -> None:
        if after:
            await self.time.sleep(after)
        await self.limiter.acquire(chat, messages)
        self.sent.append((self.time.now - self.start, chat, messages))

    def peak(self, span: float, chat: int | None = None, albums_count: bool = True) -> int:
        """The most messages within any half-open span."""
        counted = [(when, n if albums_count else 1) for when, to, n in self.sent if chat in {None, to}]
        return max(sum(n for when, n in counted if start <= when < start + span - EPSILON) for start, _ in counted)

    def times(self, chat: int) -> Sequence[float]:
        return [round(when, 2) for when, to, _ in self.sent if to == chat]


@pytest.fixture
def log(time, limiter) -> Log:
    return Log(time, limiter)


async def test_a_message_to_a_quiet_chat_leaves_at_once(time, log) -> None:
    await time.run(log.send(1))
    assert log.times(1) == [0.0]


async def test_a_chat_gets_a_few_at_once_and_then_one_a_second(time, log) -> None:
    await time.run(*(log.send(1) for _ in range(6)))
    assert log.times(1) == pytest.approx([0, 0.04, 0.08, 1, 2, 3], abs=0.01)


async def test_a_thousand_chats_get_thirty_messages_a_second_at_most(time, log) -> None:
    await time.run(*(log.send(chat) for chat in range(1, 1001)))
    assert log.peak(1.0) <= 30
    assert len(log.sent) == 1000
    assert log.sent[-1][0] < 1000 / 24


async def test_a_group_gets_twenty_a_minute_at_most(time, log) -> None:
    await time.run(*(log.send(-100) for _ in range(45)))
    assert log.peak(60.0, -100) <= 20


async def test_an_album_counts_for_as_many_as_it_has_pictures(time, log) -> None:
    await time.run(*(log.send(-chat, 10) for chat in range(1, 8)), *(log.send(chat) for chat in range(1, 60)))
    assert log.peak(1.0) <= 30


async def test_albums_to_a_group_keep_its_twenty_a_minute(time, log) -> None:
    await time.run(*(log.send(-100, 10) for _ in range(4)), *(log.send(-100) for _ in range(5)))
    assert log.peak(60.0, -100) <= 20


async def test_an_album_is_one_message_to_a_person(time, log) -> None:
    await time.run(log.send(1, 10), log.send(1, 10))
    assert log.times(1)[-1] < 2


async def test_one_chats_fifty_messages_hold_nobody_up(time, log) -> None:
    await time.run(*(log.send(1) for _ in range(50)), *(log.send(chat, after=0.5) for chat in range(2, 12)))
    assert max(when for when, chat, _ in log.sent if chat != 1) < 1.5


async def test_messages_to_a_chat_keep_their_order(time, limiter) -> None:
    order: list[int] = []

    async def send(number: int) -> None:
        await limiter.acquire(1)
        order.append(number)

    await time.run(*(send(number) for number in range(8)))
    assert order == list(range(8))


async def test_a_refused_chat_is_left_alone_for_as_long_as_told(time, limiter, log) -> None:
    await limiter.refused(1, 7)
    await time.run(log.send(1), log.send(1), log.send(2))
    assert log.times(1) == pytest.approx([7, 8], abs=0.01)
    assert log.times(2) == [0.0]


async def test_refusals_in_several_chats_at_once_silence_the_whole_bot(time, limiter, log) -> None:
    for chat in (1, 2, 3):
        await limiter.refused(chat, 5)
    await time.run(log.send(9))
    assert log.times(9) == pytest.approx([5], abs=0.01)


async def test_nobody_stays_to_wait_for_the_end_of_a_long_pause(time, limiter, log) -> None:
    await limiter.refused(1, 600)
    with pytest.raises(Flooded) as told:
        await time.run(log.send(1))
    assert told.value.retry_after == pytest.approx(600, abs=0.01)
    await time.run(log.send(2))
    assert log.times(2) == [0.0]
    for chat in (1, 2, 3):
        await limiter.refused(chat, 300)
    with pytest.raises(Flooded) as told:
        await time.run(log.send(9))
    assert told.value.retry_after == pytest.approx(300, abs=0.01)
    assert limiter._lanes == {}


async def test_refusals_far_apart_are_those_chats_own_matter(time, limiter, log) -> None:
    for chat in (1, 2, 3):
        await limiter.refused(chat, 5)
        time.now += 2
    await time.run(log.send(9))
    assert log.sent[0][0] == pytest.approx(6, abs=0.01)


async def test_somebody_who_gives_up_waiting_does_not_block_the_lane(time, limiter, log) -> None:
    await limiter.refused(1, 20)
    impatient = asyncio.ensure_future(limiter.acquire(1))
    for _ in range(5):
        await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    await time.run(log.send(2), log.send(1))
    assert log.times(2) == [0.0]
    assert log.times(1) == pytest.approx([20], abs=0.01)


async def test_how_long_a_message_would_wait_is_told_and_nothing_taken(time, limiter, log) -> None:
    assert [await limiter.wait(1), await limiter.wait(-100, 10)] == [0.0, 0.0]
    await time.run(log.send(-100, 8))
    assert [await limiter.wait(-100, pictures) for pictures in (2, 3, 3)] == pytest.approx([0, 6, 6], abs=0.5)
    await limiter.refused(1, 30)
    assert await limiter.wait(1) == pytest.approx(30)


async def test_who_would_wait_in_a_lane_waits_behind_those_who_are_there(time, limiter, log) -> None:
    await time.run(log.send(-100, 10))
    waiting = [asyncio.ensure_future(log.send(-100)) for _ in range(2)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert await limiter.wait(-100) == pytest.approx(18, abs=0.5)
    await time.run(*waiting)


async def test_lanes_of_quiet_chats_take_no_memory(time, limiter, log) -> None:
    await time.run(*(log.send(chat) for chat in range(1, 200)))
    assert limiter._lanes == {}


async def news(time, limiter, log, chat: int, after: float = 0.0) -> None:
    if after:
        await time.sleep(after)
    await limiter.lull()
    if await limiter.enter(chat):
        log.sent.append((time.now - log.start, chat, 1))


async def test_news_leaves_at_once_when_nothing_else_does(time, limiter, log) -> None:
    await time.run(news(time, limiter, log, 1))
    assert log.times(1) == [0.0]


async def test_news_leaves_half_of_the_room_to_answers_that_come_from_elsewhere(time, limiter, log) -> None:
    await time.run(*(news(time, limiter, log, chat) for chat in range(1, 122)))
    assert log.peak(1.0) <= 15
    assert log.sent[-1][0] == pytest.approx(10, abs=0.3)


async def test_news_waits_while_answers_want_the_room(time, limiter, log) -> None:
    answers = [log.send(chat) for chat in range(1, 101)]
    await time.run(*answers, *(news(time, limiter, log, chat, after=0.01) for chat in range(201, 211)))
    assert [chat > 200 for _, chat, _ in log.sent] == [False] * 100 + [True] * 10
    assert log.peak(1.0) <= 30


async def test_an_answer_that_waits_for_its_chat_only_does_not_keep_news_back(time, limiter, log) -> None:
    await limiter.refused(1, 20)
    await time.run(log.send(1), news(time, limiter, log, 2, after=0.01))
    assert log.times(2) == [0.01]


async def test_news_does_not_overtake_what_its_chat_waits_for(time, limiter, log) -> None:
    await limiter.refused(1, 20)
    await time.run(log.send(1), news(time, limiter, log, 1, after=1))
    assert log.times(1) == [20]


async def test_news_does_not_take_the_room_that_an_answer_is_to_come_back_for(time, limiter, log) -> None:
    await time.run(log.send(-100, 10))
    answer = await limiter.wait(-100)
    early = [news(time, limiter, log, -100, after=after) for after in (1, answer + 0.5)]
    await time.run(*early, log.send(-100, after=answer + 0.7))
    assert len(log.sent) == 2
    await time.run(news(time, limiter, log, -100, after=7))
    assert len(log.sent) == 3


async def test_news_obeys_a_refusal(time, limiter, log) -> None:
    await limiter.refused(1, 5)
    await time.run(news(time, limiter, log, 1), news(time, limiter, log, 1, after=6))
    assert log.times(1) == [6]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wishes=st.lists(
        st.tuples(st.sampled_from([1, 2, 3, -4, -5]), st.integers(1, 10), st.floats(0, 90)), min_size=1, max_size=80
    )
)
async def test_whatever_is_sent_when_no_limit_is_broken(time, wishes) -> None:
    log = Log(time, Limiter(MemoryBuckets(clock=time), clock=time, sleep=time.sleep))
    await time.run(*(log.send(chat, messages, after) for chat, messages, after in wishes))
    assert len(log.sent) == len(wishes)
    assert log.peak(1.0) <= 30
    for chat in {chat for _, chat, _ in log.sent}:
        if chat > 0:
            assert log.peak(1.0, chat, albums_count=False) <= 4
        else:
            assert log.peak(60.0, chat) <= 20
