"""What was put aside is handled when it is due, as often as it takes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram.types import Update

from bot.intake.tables import WaitingUpdate
from bot.updates import latecomers
from bot.updates.latecomers import ATTEMPTS, Latecomers
from bot.updates.reception import Outcome, Received
from tests.eventually import until

FAILED, WAITING, HANDLED = (Received(outcome) for outcome in (Outcome.FAILED, Outcome.WAITING, Outcome.HANDLED))


class Room:
    """Everything in it is always due; ``told`` are the pauses that were asked for."""

    def __init__(self, *numbers: int) -> None:
        self.rows = {number: row({"update_id": number}) for number in numbers}
        self.told: list[float] = []
        self.out: set[int] = set()

    async def take(self, most: int) -> list[WaitingUpdate]:
        taken = [row for number, row in self.rows.items() if number not in self.out][:most]
        self.out |= {row.update_id for row in taken}
        return taken

    async def postpone(self, update_id: int, pause_s: float, failures: int) -> None:
        self.told.append(pause_s)
        self.rows[update_id].failures = failures
        self.out.discard(update_id)

    async def forget(self, update_id: int) -> None:
        del self.rows[update_id]


def row(body: dict[str, Any]) -> WaitingUpdate:
    return WaitingUpdate(update_id=body["update_id"], user_id=None, money=False, body=body, failures=0, due=0.0)


class Reception:
    def __init__(self, *outcomes: Received) -> None:
        self.outcomes = list(outcomes)
        self.handled: list[int] = []
        self.given_up: list[int] = []

    async def receive(self, update: Update) -> Received:
        received = self.outcomes.pop(0) if self.outcomes else HANDLED
        if received is HANDLED:
            self.handled.append(update.update_id)
        return received

    async def give_up(self, update: Update) -> None:
        self.given_up.append(update.update_id)


async def empty(room: Room, reception: Reception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look until nobody waits any more."""
    monkeypatch.setattr(latecomers, "LOOK_S", 0.0)
    task = asyncio.create_task(Latecomers(room, reception, None).run())  # type: ignore[arg-type]  # stand-ins
    await until(lambda: not room.rows)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_waits_is_handled_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    room, reception = Room(10, 11), Reception()
    await empty(room, reception, monkeypatch)
    assert sorted(reception.handled) == [10, 11]


async def test_what_failed_is_tried_again_soon_and_then_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    room, reception = Room(10), Reception(*[FAILED] * 7)
    await empty(room, reception, monkeypatch)
    assert reception.handled == [10]
    assert room.told == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]


async def test_what_fails_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    room, reception = Room(10), Reception(*[FAILED] * 1000)
    await empty(room, reception, monkeypatch)
    assert (reception.handled, reception.given_up) == ([], [10])
    assert sum(room.told) == pytest.approx(180, abs=20)


async def test_what_waits_for_its_turn_is_never_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    room, reception = Room(10), Reception(*[WAITING] * 3 * ATTEMPTS)
    await empty(room, reception, monkeypatch)
    assert (reception.handled, reception.given_up) == ([10], [])


async def test_what_telegram_wants_a_pause_for_is_not_tried_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    room, reception = Room(10), Reception(Received(Outcome.WAITING, 600))
    await empty(room, reception, monkeypatch)
    assert room.told == [600]


async def test_what_cannot_be_read_any_more_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    room, reception = Room(), Reception()
    room.rows[10] = row({"update_id": 10, "message": {"of": "another time"}})
    await empty(room, reception, monkeypatch)
    assert reception.handled == []


async def test_a_database_that_is_away_for_a_moment_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    room, reception = Room(10), Reception()
    forget, take = room.forget, room.take

    async def away(*_: Any) -> Any:
        monkeypatch.setattr(room, "take", take)
        raise OSError("no database")

    async def away_then(update_id: int) -> None:
        # Its lease runs out some time.
        monkeypatch.setattr(room, "forget", forget)
        room.out.discard(update_id)
        raise OSError("no database")

    monkeypatch.setattr(room, "take", away)
    monkeypatch.setattr(room, "forget", away_then)
    await empty(room, reception, monkeypatch)
    assert reception.handled == [10, 10]
