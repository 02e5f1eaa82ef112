"""What was put aside stays until it was handled, and comes back when it is due."""

from __future__ import annotations

from typing import Any

import pytest

from bot.intake.inbox import Inbox
from bot.intake.waiting import WaitingRoom

ANN, BOB = 1, 2


@pytest.fixture
def room(sessions, clock) -> WaitingRoom:
    return WaitingRoom(sessions, lease_s=30, clock=clock)


def said(update_id: int, **message: Any) -> dict[str, Any]:
    return {"update_id": update_id, "message": {"text": "hello"} | message}


async def numbers(room: WaitingRoom, most: int = 10) -> list[int]:
    return [waiting.update_id for waiting in await room.take(most)]


async def test_an_update_comes_back_as_it_came_when_it_is_due(room, clock) -> None:
    await room.put(said(7), ANN, money=False, pause_s=600)
    assert await numbers(room) == []
    clock.now += 600
    (waiting,) = await room.take(10)
    assert (waiting.body, waiting.failures) == (said(7), 0)


async def test_money_comes_first_and_then_who_has_waited_longest(room, clock) -> None:
    for number, money in ((7, False), (8, False), (9, True)):
        await room.put(said(number), ANN, money=money, pause_s=0)
        clock.now += 1
    assert await numbers(room, most=2) == [9, 7]
    assert await numbers(room) == [8]


async def test_what_somebody_has_taken_is_handed_out_again_only_when_they_are_silent(room, clock) -> None:
    await room.put(said(7), ANN, money=False, pause_s=0)
    assert await numbers(room) == [7]
    assert await numbers(room) == []
    clock.now += 31
    assert await numbers(room) == [7]


async def test_an_update_that_has_to_be_tried_again_keeps_count(room, clock) -> None:
    await room.put(said(7), ANN, money=False, pause_s=0)
    await numbers(room)
    await room.postpone(7, 5, 3)
    assert await numbers(room) == []
    clock.now += 5
    assert [waiting.failures for waiting in await room.take(10)] == [3]


async def test_what_is_put_aside_twice_waits_once(room) -> None:
    await room.put(said(7), ANN, money=False, pause_s=0, failures=1)
    await room.put(said(7), ANN, money=False, pause_s=600)
    assert [waiting.failures for waiting in await room.take(10)] == [1]
    await room.forget(7)
    assert await numbers(room) == []


async def test_what_was_handled_meanwhile_does_not_come_back(room, sessions, clock) -> None:
    inbox = Inbox(sessions, lease_s=90, clock=clock)
    await inbox.admit(7)
    await room.put(said(7), ANN, money=False, pause_s=0)
    await inbox.done(7)
    assert await numbers(room) == []


async def test_photos_that_somebody_sent_before_are_known(room) -> None:
    await room.put(said(7, photo=[]), ANN, money=False, pause_s=0)
    await room.put(said(8), BOB, money=False, pause_s=0)
    assert await room.holds_photo(ANN, before=9)
    assert not await room.holds_photo(ANN, before=7)
    assert not await room.holds_photo(BOB, before=9)
