"""The payments drill's own ledger."""

from __future__ import annotations

from bot.playground.telegram.payments import SUBSCRIPTION_PERIOD, Charge, Invoice, Subscription
from drills.bot.purse import Holdings, expected

PACK = Invoice("10 credits", "", "payload", 50)
MONTH = Invoice("a month", "", "payload", 250, subscription_period=SUBSCRIPTION_PERIOD)
PRICES = {50: 10}


def charge(date: int = 1000, *, refunded: bool = False) -> Charge:
    return Charge("c", 1, PACK, date, refunded=refunded)


def month(date: int, *, refunded: bool = False) -> Charge:
    return Charge("m", 1, MONTH, date, Subscription(1, MONTH, 0), refunded=refunded)


def test_nothing_paid_is_nothing_held() -> None:
    assert expected([], PRICES, 0) == Holdings(0, 0, None)


def test_what_is_paid_less_what_is_spent() -> None:
    assert expected([charge(), charge()], PRICES, 3) == Holdings(17, 0, None)


def test_a_refund_takes_back_what_is_there_and_the_rest_is_owed() -> None:
    assert expected([charge(refunded=True)], PRICES, 0) == Holdings(0, 0, None)
    assert expected([charge(refunded=True)], PRICES, 3) == Holdings(0, 3, None)


def test_the_next_payment_makes_up_for_a_debt() -> None:
    assert expected([charge(refunded=True), charge()], PRICES, 3) == Holdings(7, 0, None)


def test_a_subscription_lasts_for_the_months_that_were_kept() -> None:
    months = [month(1000), month(1010), month(1020, refunded=True)]
    assert expected(months, PRICES, 0) == Holdings(0, 0, 1000.0 + 2 * SUBSCRIPTION_PERIOD)
