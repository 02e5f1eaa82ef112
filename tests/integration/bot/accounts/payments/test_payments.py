"""Telegram Stars: what a payment brings."""

from __future__ import annotations

import asyncio

import pytest

from bot.accounts.payments import Paid, Status
from bot.accounts.tables import Payment
from bot.accounts.tariff import Tariff
from tests.integration.bot.accounts.payments.people import ANNA, BORIS


async def test_a_payment_brings_its_credits(counter, balance, clock) -> None:
    offer = await counter.offer()
    receipt = await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    assert (receipt.credits, receipt.new) == (10, True)
    assert (await balance()).credits == 10


async def test_a_charge_has_an_id_of_any_length(counter, balance, clock) -> None:
    pack, plus = await counter.offer(), await counter.offer("plus")
    charges = [f"stx{letter * 200}" for letter in "ab"]
    assert (await counter.paid(Paid(charges[0], pack.payload, pack.stars, clock.now))).credits == 10
    assert (await counter.paid(Paid(charges[1], plus.payload, plus.stars, clock.now))).plus_until
    for charge in charges:
        assert (await counter.refunded(charge)).new
    assert (await balance()).credits == 0


async def test_a_payment_told_twice_is_credited_once(counter, balance, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    receipt = await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    assert (receipt.new, receipt.credits) == (False, 10)
    assert (await balance()).credits == 10


async def test_a_payment_told_ten_times_at_once_is_credited_once(counter, balance, clock) -> None:
    offer = await counter.offer()
    receipts = await asyncio.gather(*(counter.paid(Paid("c1", offer.payload, 50, clock.now)) for _ in range(10)))
    assert sum(receipt.new for receipt in receipts) == 1
    assert (await balance()).credits == 10


async def test_an_invoice_paid_twice_is_two_payments_and_noted(counter, balance, sessions, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    receipt = await counter.paid(Paid("c2", offer.payload, 50, clock.now))
    assert receipt.new
    assert (await balance()).credits == 20
    async with sessions() as session:
        assert [(await session.get(Payment, charge)).repeated for charge in ("c1", "c2")] == [False, True]


async def test_a_crash_before_the_credit_is_mended_when_the_update_comes_again(
    counter, balance, payments, sessions, clock
) -> None:
    offer = await counter.offer()
    paid = Paid("c1", offer.payload, 50, clock.now)
    with pytest.raises(RuntimeError):
        async with sessions.begin() as session:
            await payments.paid(session, ANNA, paid)
            raise RuntimeError("the process died before the commit")
    assert (await balance()).credits == 0
    assert (await counter.paid(paid)).new
    assert (await balance()).credits == 10


async def test_what_was_offered_holds_although_the_price_list_changed_meanwhile(
    counter, balance, payments, clock
) -> None:
    offer = await counter.offer()
    payments._tariff = Tariff(packs=())
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    assert (await balance()).credits == 10


@pytest.mark.parametrize(("payload", "stars"), [("nobody knows", 50), (None, 7)])
async def test_stars_for_nobody_knows_what_are_recorded_for_the_operator(
    counter, balance, sessions, clock, payload, stars
) -> None:
    offer = await counter.offer()
    receipt = await counter.paid(Paid("c1", payload or offer.payload, stars, clock.now))
    assert (receipt.new, receipt.unmatched, receipt.credits) == (True, True, 0)
    assert (await balance()).credits == 0
    again = await counter.paid(Paid("c1", payload or offer.payload, stars, clock.now))
    assert (again.new, again.unmatched) == (False, True)
    async with sessions() as session:
        assert (await session.get(Payment, "c1")).status == Status.UNMATCHED


async def test_a_payment_that_cannot_be_booked_is_set_aside_once_and_one_that_was_is_left_alone(
    counter, balance, payments, sessions, clock
) -> None:
    offer = await counter.offer()
    booked, broken = (Paid(charge, offer.payload, 50, clock.now) for charge in ("c1", "c2"))
    await counter.paid(booked)
    aside = []
    for payment in (booked, broken, broken):
        async with sessions.begin() as session:
            aside.append(await payments.set_aside(session, ANNA, payment))
    assert aside == [False, True, False]
    async with sessions() as session:
        statuses = [(await session.get_one(Payment, charge)).status for charge in ("c1", "c2")]
    assert statuses == [Status.CREDITED, Status.UNMATCHED]
    assert (await balance()).credits == 10


async def test_a_persons_payments_are_listed_newest_first(counter, payments, sessions, clock) -> None:
    offer = await counter.offer()
    for number in range(3):
        await counter.paid(Paid(f"c{number}", offer.payload, 50, clock.now + number))
    async with sessions() as session:
        assert [payment.charge_id for payment in await payments.of(session, ANNA)] == ["c2", "c1", "c0"]
        assert await payments.of(session, BORIS) == []
