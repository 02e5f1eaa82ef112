"""Updates wait in order until they are confirmed or too old; one getUpdates request may wait for them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.playground.clock import ManualClock
from bot.playground.telegram.errors import ApiError
from bot.playground.telegram.updates import DEFAULT_KINDS, LongPoll, UpdateQueue


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(clock: ManualClock) -> UpdateQueue:
    return UpdateQueue(clock, lambda _: [])


def push(queue: UpdateQueue, text: str, lifetime: float = 86_400) -> int:
    update = queue.push("message", {"text": text}, lane="chat/1", lifetime=lifetime)
    assert update is not None
    return update.id


def texts(updates: list[Any]) -> list[str]:
    return [update.body["text"] for update in updates]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_updates_stay_until_a_higher_offset_confirms_them(queue: UpdateQueue) -> None:
    first, second = push(queue, "a"), push(queue, "b")
    assert texts(queue.take(0, 100)) == ["a", "b"]
    assert texts(queue.take(0, 100)) == ["a", "b"]
    assert texts(queue.take(first + 1, 100)) == ["b"]
    assert texts(queue.take(second + 1, 100)) == []
    assert len(queue) == 0


def test_a_server_that_is_started_again_within_a_second_repeats_no_number(
    queue: UpdateQueue, clock: ManualClock
) -> None:
    before = [push(queue, text) for text in "abc"]
    clock.advance(0.02)
    again = UpdateQueue(clock, lambda _: [])
    assert not {push(again, text) for text in "abc"} & {*before}


def test_numbers_are_those_of_32_bits(queue: UpdateQueue, clock: ManualClock) -> None:
    for _ in range(30):
        assert 0 < push(UpdateQueue(clock, lambda _: []), "a") < 2**31
        clock.advance(86_400)


def test_a_negative_offset_keeps_only_the_newest(queue: UpdateQueue) -> None:
    for text in "abc":
        push(queue, text)
    assert texts(queue.take(-1, 100)) == ["c"]
    assert len(queue) == 1


def test_an_offset_far_beyond_what_there_is_confirms_nothing(queue: UpdateQueue) -> None:
    first, second = push(queue, "a"), push(queue, "b")
    assert texts(queue.take(second + 1_000_000, 100)) == ["a", "b"]
    assert texts(queue.take(first + 1, 100)) == ["b"]


def test_at_most_the_limit_is_handed_out(queue: UpdateQueue) -> None:
    for text in "abc":
        push(queue, text)
    assert texts(queue.take(0, 2)) == ["a", "b"]


def test_updates_expire(queue: UpdateQueue, clock: ManualClock) -> None:
    push(queue, "tap", lifetime=150)
    push(queue, "message")
    clock.advance(150)
    assert texts(queue.take(0, 100)) == ["message"]
    clock.advance(86_400)
    assert texts(queue.take(0, 100)) == []


def test_kinds_the_bot_did_not_ask_for_are_not_queued(queue: UpdateQueue) -> None:
    queue.allow(["callback_query"])
    assert queue.push("message", {}, lane="x", lifetime=1) is None
    assert queue.push("callback_query", {}, lane="x", lifetime=1) is not None
    queue.allow(None)
    assert queue.allowed == {"callback_query"}
    queue.allow([])
    assert queue.allowed == DEFAULT_KINDS
    assert queue.push("chat_member", {}, lane="x", lifetime=1) is None


def test_a_repetition_comes_after_its_delay_though_the_update_was_confirmed(clock: ManualClock) -> None:
    queue = UpdateQueue(clock, lambda _: [1.0, 5.0])
    update_id = push(queue, "a")
    assert texts(queue.take(0, 100)) == ["a"]
    assert texts(queue.take(update_id + 1, 100)) == []
    clock.advance(1)
    assert [update.id for update in queue.take(update_id + 1, 100)] == [update_id]
    assert queue.next_due() == clock.time() + 4
    clock.advance(4)
    assert texts(queue.take(update_id + 1, 100)) == ["a"]
    assert queue.outstanding() == []


def test_a_repetition_does_not_run_ahead_of_what_is_unconfirmed(clock: ManualClock) -> None:
    queue = UpdateQueue(clock, lambda _: [0.0])
    first, second = push(queue, "a"), push(queue, "b")
    assert [update.id for update in queue.take(0, 1)] == [first]
    assert [update.id for update in queue.take(first + 1, 100)] == [first, second]
    assert [update.id for update in queue.take(second + 1, 100)] == [second]


def test_another_run_does_not_reuse_the_numbers_of_updates(clock: ManualClock) -> None:
    earlier = push(UpdateQueue(clock, lambda _: []), "a")
    clock.advance(60)
    assert push(UpdateQueue(clock, lambda _: []), "b") > earlier


async def test_a_long_poll_ends_when_something_comes(queue: UpdateQueue, clock: ManualClock) -> None:
    poll = LongPoll(queue, clock)
    waiting = asyncio.create_task(poll.get(0, 100, 30))
    await settle()
    assert not waiting.done()
    push(queue, "a")
    assert [update["message"]["text"] for update in await waiting] == ["a"]


async def test_a_long_poll_ends_empty_after_its_time(queue: UpdateQueue, clock: ManualClock) -> None:
    waiting = asyncio.create_task(LongPoll(queue, clock).get(0, 100, 30))
    await settle()
    clock.advance(30)
    assert await waiting == []


async def test_a_long_poll_wakes_for_a_repetition(clock: ManualClock) -> None:
    queue = UpdateQueue(clock, lambda _: [10.0])
    update_id = push(queue, "a")
    waiting = asyncio.create_task(LongPoll(queue, clock).get(update_id + 1, 100, 30))
    await settle()
    clock.advance(10)
    assert [update["update_id"] for update in await waiting] == [update_id]


async def test_a_second_poller_ends_the_first_with_a_conflict(queue: UpdateQueue, clock: ManualClock) -> None:
    poll = LongPoll(queue, clock)
    first = asyncio.create_task(poll.get(0, 100, 30))
    await settle()
    second = asyncio.create_task(poll.get(0, 100, 30))
    with pytest.raises(ApiError, match="Conflict: terminated by other getUpdates request") as caught:
        await first
    assert caught.value.code == 409
    push(queue, "a")
    assert len(await second) == 1


async def test_who_asks_for_the_same_again_too_soon_gets_one_update_or_waits(
    queue: UpdateQueue, clock: ManualClock
) -> None:
    poll = LongPoll(queue, clock)
    first, second = push(queue, "a"), push(queue, "b")
    assert [len(await poll.get(first, 100, 0)) for _ in range(2)] == [2, 1]
    clock.advance(0.5)
    assert len(await poll.get(first, 100, 0)) == 2
    assert await poll.get(second + 1, 100, 0) == []
    waiting = asyncio.create_task(poll.get(second + 1, 100, 0))
    await settle()
    clock.advance(2.9)
    await settle()
    assert not waiting.done()
    clock.advance(0.1)
    assert await waiting == []
