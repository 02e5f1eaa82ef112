"""Polling acknowledges what was handled or put aside, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram.exceptions import ClientDecodeError, TelegramNetworkError
from aiogram.methods import DeleteWebhook
from aiogram.types import Update

from bot.playground.clock import SystemClock
from bot.playground.telegram.updates import LongPoll, UpdateQueue
from bot.updates import polling
from bot.updates.polling import GetUpdates, Poller
from bot.updates.reception import Outcome, Received
from tests.eventually import until

SAID = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}}


class Telegram:
    """Keeps updates until an offset beyond them is asked for."""

    def __init__(self, updates: int) -> None:
        self.waiting = [Update(update_id=number) for number in range(10, 10 + updates)]
        self.contents: dict[int, dict[str, Any]] = {}
        self.asked = asyncio.Event()

    async def delete_webhook(self) -> None: ...

    async def __call__(self, asked: GetUpdates, request_timeout: int) -> list[dict[str, Any]]:
        self.waiting = [update for update in self.waiting if update.update_id >= asked.offset]
        self.asked.set()
        if not self.waiting and asked.timeout:
            await asyncio.sleep(3600)
        await asyncio.sleep(0)
        return [{"update_id": update.update_id} | self.contents.get(update.update_id, {}) for update in self.waiting]


class Reception:
    kinds: list[str] = []

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.handled: list[int] = []
        self.hold: dict[int, asyncio.Event] = {}
        self.failures: dict[int, int] = {}
        self.failed = Received(Outcome.FAILED)
        self.aside: list[tuple[dict[str, Any], Received]] = []
        self.away = 0

    async def put_aside(self, update: Update, body: dict[str, Any], received: Received) -> None:
        if self.away > 0:
            self.away -= 1
            raise OSError("no database")
        self.aside.append((body, received))

    async def receive(self, update: Update) -> Received:
        self.begun.append(update.update_id)
        if update.update_id in self.hold:
            await self.hold[update.update_id].wait()
        if self.failures.get(update.update_id, 0) > 0:
            self.failures[update.update_id] -= 1
            return self.failed
        self.handled.append(update.update_id)
        return Received(Outcome.HANDLED)


@pytest.fixture
def reception() -> Reception:
    return Reception()


def start(telegram: Telegram, reception: Reception, drain_s: float = 1.0) -> asyncio.Task[None]:
    poller = Poller(telegram, reception, drain_s=drain_s)  # type: ignore[arg-type]  # stand-ins
    return asyncio.create_task(poller.run())


async def stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_every_update_is_handled_once_and_then_acknowledged(reception: Reception) -> None:
    telegram = Telegram(5)
    task = start(telegram, reception)
    await until(lambda: not telegram.waiting)
    await stop(task)
    assert sorted(reception.handled) == [10, 11, 12, 13, 14]


async def test_an_update_in_hand_is_not_acknowledged_and_holds_nobody_up(reception: Reception) -> None:
    telegram = Telegram(3)
    reception.hold[10] = asyncio.Event()
    task = start(telegram, reception)
    await until(lambda: reception.handled == [11, 12])
    assert [update.update_id for update in telegram.waiting] == [10, 11, 12]
    telegram.waiting.append(Update(update_id=13))
    await until(lambda: reception.handled == [11, 12, 13])
    reception.hold[10].set()
    await until(lambda: not telegram.waiting)
    await stop(task)
    assert sorted(reception.handled) == [10, 11, 12, 13]


async def test_who_writes_while_an_update_is_in_hand_is_heard_by_a_server_that_gives_impatient_pollers_one_update(
    reception: Reception,
) -> None:
    queue = UpdateQueue(SystemClock(), lambda _: [])
    poll = LongPoll(queue, SystemClock())

    class Strict(Telegram):
        async def __call__(self, asked: GetUpdates, request_timeout: int) -> list[dict[str, Any]]:
            updates = await poll.get(asked.offset, asked.limit, asked.timeout)
            self.asked.set()
            return updates

    def push() -> int:
        update = queue.push("message", SAID, lane="", lifetime=60)
        assert update is not None
        return update.id

    telegram, first = Strict(0), push()
    reception.hold[first] = asyncio.Event()
    task = start(telegram, reception, drain_s=0.0)
    await telegram.asked.wait()
    others = [push() for _ in range(3)]
    await until(lambda: reception.handled == others)
    await stop(task)


async def test_what_has_to_come_again_is_put_aside_and_acknowledged(reception: Reception) -> None:
    telegram = Telegram(2)
    telegram.contents[10] = {"message": SAID}
    reception.failures[10] = 1
    task = start(telegram, reception)
    await until(lambda: not telegram.waiting)
    await stop(task)
    assert reception.handled == [11]
    assert reception.aside == [({"update_id": 10, "message": SAID}, reception.failed)]


async def test_what_takes_long_is_put_aside_and_acknowledged_and_goes_on(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "LONG_S", 0.02)
    telegram = Telegram(1)
    reception.hold[10] = asyncio.Event()
    task = start(telegram, reception)
    await until(lambda: not telegram.waiting)
    assert (reception.handled, [body["update_id"] for body, _ in reception.aside]) == ([], [10])
    reception.hold[10].set()
    await until(lambda: reception.handled == [10])
    await stop(task)
    assert len(reception.aside) == 1


async def test_however_many_updates_wait_those_that_come_after_them_are_heard(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "LONG_S", 0.02)

    class Hundred(Telegram):
        async def __call__(self, asked: GetUpdates, request_timeout: int) -> list[dict[str, Any]]:
            return (await super().__call__(asked, request_timeout))[: asked.limit]

    telegram = Hundred(130)
    reception.hold |= {number: asyncio.Event() for number in range(10, 130)}
    task = start(telegram, reception, drain_s=0.0)
    await until(lambda: reception.handled == list(range(130, 140)) and not telegram.waiting)
    await stop(task)


async def test_nothing_is_acknowledged_before_the_database_has_it(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PAUSES_S", (0.0,))
    telegram = Telegram(1)
    reception.failures[10] = 1
    reception.away = 3
    task = start(telegram, reception)
    await until(lambda: not telegram.waiting)
    await stop(task)
    assert reception.away == 0
    assert len(reception.aside) == 1


async def test_of_those_that_come_together_money_is_begun_first(reception: Reception) -> None:
    telegram = Telegram(3)
    ann = {"id": 1, "is_bot": False, "first_name": "Ann"}
    checkout = {"id": "1", "from": ann, "currency": "XTR", "total_amount": 50, "invoice_payload": "a"}
    telegram.contents[12] = {"pre_checkout_query": checkout}
    task = start(telegram, reception)
    await until(lambda: not telegram.waiting)
    await stop(task)
    assert reception.begun == [12, 10, 11]


async def test_stopping_finishes_what_is_in_hand_and_acknowledges_it(reception: Reception) -> None:
    telegram = Telegram(1)
    reception.hold[10] = asyncio.Event()
    task = start(telegram, reception)
    await until(lambda: reception.begun == [10])
    task.cancel()
    reception.hold[10].set()
    await asyncio.gather(task, return_exceptions=True)
    assert reception.handled == [10]
    assert telegram.waiting == []


async def test_what_does_not_end_in_time_stays_unacknowledged(reception: Reception) -> None:
    telegram = Telegram(1)
    reception.hold[10] = asyncio.Event()
    task = start(telegram, reception, drain_s=0.02)
    await until(lambda: reception.begun == [10])
    await stop(task)
    assert [update.update_id for update in telegram.waiting] == [10]


async def test_whatever_comes_instead_of_an_answer_is_asked_for_again(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PAUSES_S", (0.0,))
    unreachable = TelegramNetworkError(DeleteWebhook(), "no route to host")
    page = ClientDecodeError("Failed to decode object", ValueError("<html>"), "<html>502 Bad Gateway</html>")

    class Telling(Telegram):
        problems: list[Exception] = [page, unreachable, unreachable]

        async def delete_webhook(self) -> None:
            if len(self.problems) > 1:
                raise self.problems.pop()

        async def __call__(self, asked: GetUpdates, request_timeout: int) -> list[dict[str, Any]]:
            if self.problems:
                raise self.problems.pop()
            return await super().__call__(asked, request_timeout)

    telegram = Telling(2)
    task = start(telegram, reception)
    await until(lambda: not telegram.waiting)
    await stop(task)
    assert reception.handled == [10, 11]


async def test_an_update_that_cannot_be_read_holds_nobody_up(
    reception: Reception, caplog: pytest.LogCaptureFixture
) -> None:
    telegram = Telegram(3)
    telegram.contents[11] = {"message": {"of": "another time"}}
    task = start(telegram, reception)
    await until(lambda: not telegram.waiting)
    await stop(task)
    assert reception.handled == [10, 12]
    assert "update 11 cannot be read" in caplog.text


async def test_updates_that_are_numbered_anew_after_a_silent_week_are_handled(reception: Reception) -> None:
    class Renumbering(Telegram):
        async def __call__(self, asked: GetUpdates, request_timeout: int) -> list[dict[str, Any]]:
            newest = max((update.update_id for update in self.waiting), default=asked.offset)
            # As Telegram's server does with an offset far beyond its updates: it answers from the oldest on.
            beyond = asked.offset > newest + 10
            again = asked.model_copy(update={"timeout": 0} | ({"offset": 0} if beyond else {}))
            return await super().__call__(again, request_timeout)

    telegram = Renumbering(0)
    telegram.waiting = [Update(update_id=number) for number in (5000, 5001)]
    task = start(telegram, reception)
    await until(lambda: not telegram.waiting)
    telegram.waiting = [Update(update_id=number) for number in (17, 18)]
    await until(lambda: not telegram.waiting)
    telegram.waiting.append(Update(update_id=19))
    await until(lambda: not telegram.waiting)
    await stop(task)
    assert reception.handled == [5000, 5001, 17, 18, 19]


async def test_what_breaks_while_polling_is_called_off_is_not_tried_again(reception: Reception) -> None:
    class Broken(Reception):
        async def receive(self, update: Update) -> Received:
            self.handled.append(update.update_id)
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                # As where the database breaks under whoever is called off: the update has to come again.
                return Received(Outcome.WAITING)
            return Received(Outcome.HANDLED)

    broken = Broken()
    task = start(Telegram(1), broken, drain_s=0.02)
    await until(lambda: broken.handled)
    async with asyncio.timeout(5):
        await stop(task)
    assert broken.handled == [10]
