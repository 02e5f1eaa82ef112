"""What becomes of an update: handled, tried in vain, or left for later, which is nothing against it."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import GetFile
from aiogram.types import PreCheckoutQuery, Update, User
from sqlalchemy.exc import OperationalError

from bot.delivery.messages import Flooded, Uncertain
from bot.intake.inbox import Admission
from bot.updates.reception import Outcome, Received, Reception

ANN = User(id=1, is_bot=False, first_name="Ann")
CHECKOUT = PreCheckoutQuery(id="1", from_user=ANN, currency="XTR", total_amount=50, invoice_payload="a")
WORD = Update(update_id=7)
MONEY = Update(update_id=7, pre_checkout_query=CHECKOUT)


class Inbox:
    def __init__(self, admission: Admission | Exception) -> None:
        self._admission = admission
        self.offered_again: list[int] = []

    async def admit(self, update_id: int) -> Admission:
        if isinstance(self._admission, Exception):
            raise self._admission
        return self._admission

    def in_hand(self, update_id: int) -> contextlib.AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()

    async def again(self, update_id: int) -> None:
        self.offered_again.append(update_id)

    async def done(self, update_id: int) -> None: ...


async def receive(inbox: Inbox, update: Update = WORD, problem: Exception | None = None) -> Received:
    async def feed_update(*_: Any) -> None:
        if problem is not None:
            raise problem

    services, dispatcher = SimpleNamespace(inbox=inbox), SimpleNamespace(feed_update=feed_update)
    return await Reception(services, dispatcher, None).receive(update)  # type: ignore[arg-type]  # stand-ins


async def received(inbox: Inbox, update: Update = WORD, problem: Exception | None = None) -> Outcome:
    return (await receive(inbox, update, problem)).outcome


@pytest.mark.parametrize(
    ("admission", "outcome"),
    [
        (Admission.NEW, Outcome.HANDLED),
        (Admission.DONE, Outcome.HANDLED),
        (Admission.BUSY, Outcome.WAITING),
        (ConnectionRefusedError("no database"), Outcome.WAITING),
        (OperationalError("select", {}, Exception("the server closed the connection")), Outcome.WAITING),
    ],
)
async def test_what_is_not_admitted_waits_unless_it_was_handled_before(
    admission: Admission | Exception, outcome: Outcome
) -> None:
    assert await received(Inbox(admission)) is outcome


@pytest.mark.parametrize(
    ("problem", "outcome"),
    [
        (Uncertain("the connection to Telegram broke"), Outcome.FAILED),
        (OSError("the download broke off"), Outcome.FAILED),
        (ConnectionError("Redis does not answer"), Outcome.WAITING),
        (OperationalError("select", {}, Exception("the server closed the connection")), Outcome.WAITING),
        (ValueError("it would break every time"), Outcome.HANDLED),
    ],
)
async def test_only_what_may_be_the_updates_own_fault_counts_against_it(problem: Exception, outcome: Outcome) -> None:
    inbox = Inbox(Admission.NEW)
    assert await received(inbox, problem=problem) is outcome
    assert inbox.offered_again == ([] if outcome is Outcome.HANDLED else [7])


@pytest.mark.parametrize("problem", [TelegramRetryAfter(GetFile(file_id="1"), "Too Many Requests", 60), Flooded(60)])
async def test_what_telegram_wants_a_pause_for_waits_for_so_long(problem: Exception) -> None:
    inbox = Inbox(Admission.NEW)
    assert await receive(inbox, problem=problem) == Received(Outcome.WAITING, 60)
    assert inbox.offered_again == [7]


async def test_what_is_about_money_is_never_given_up() -> None:
    assert await received(Inbox(Admission.NEW), MONEY, Uncertain("the connection broke")) is Outcome.WAITING


async def test_what_is_about_money_is_not_dropped_when_it_breaks_the_bot() -> None:
    inbox = Inbox(Admission.NEW)
    assert await received(inbox, MONEY, LookupError("there is no such account")) is Outcome.FAILED
    assert inbox.offered_again == [7]
