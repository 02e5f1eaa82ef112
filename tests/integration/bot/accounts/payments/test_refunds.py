"""Telegram Stars: what a refund takes back."""

from __future__ import annotations

import asyncio

import pytest

from bot.accounts.cashier import Cashier, NotRefundable, Renewal
from bot.accounts.payments import Paid
from bot.accounts.tables import Payment
from bot.accounts.tariff import MONTH_S
from tests.integration.bot.accounts.payments.people import ANNA, FakeBank, month


async def test_a_refund_takes_the_credits_back(counter, balance, cashier, bank, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    refund = await cashier.refund("c1")
    assert (refund.stars, refund.owed, refund.new) == (50, 0, True)
    assert bank.refunds == [(ANNA, "c1")]
    assert (await balance()).credits == 0


async def test_a_refund_of_spent_credits_leaves_a_debt(counter, balance, cashier, credits, sessions, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    async with sessions.begin() as session:
        await credits.reserve(session, ANNA, 9, "job-1")
        await credits.settle(session, "job-1")
    assert (await cashier.refund("c1")).owed == 6
    now = await balance()
    assert (now.credits, now.debt) == (0, 6)


async def test_a_refund_cannot_be_refunded(counter, balance, cashier, bank, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    await cashier.refund("c1")
    with pytest.raises(NotRefundable) as refusal:
        await cashier.refund("c1")
    assert refusal.value.details == {"reason": "refunded"}
    assert len(bank.refunds) == 1


async def test_a_charge_nobody_knows_cannot_be_refunded(cashier, bank) -> None:
    with pytest.raises(NotRefundable) as refusal:
        await cashier.refund("c1")
    assert refusal.value.details == {"reason": "unknown"}
    assert bank.refunds == []


async def test_a_month_that_nothing_here_knows_of_goes_back_and_is_the_last(counter, cashier, bank, clock) -> None:
    unheard = Paid("c1", "of an account that was deleted", 250, clock.now, recurring=True, expires=clock.now + MONTH_S)
    assert (await counter.paid(unheard)).unmatched
    await cashier.refund("c1")
    assert (bank.stopped, bank.refunds) == ([(ANNA, "c1")], [(ANNA, "c1")])


async def test_telegrams_word_of_a_refund_changes_nothing_more(counter, balance, cashier, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    await counter.paid(Paid("c2", offer.payload, 50, clock.now))
    await cashier.refund("c1")
    told = await counter.refunded("c1", offer.payload)
    assert (told.new, told.owed) == (False, 0)
    assert (await balance()).credits == 10


async def test_a_refund_interrupted_after_telegram_is_completed_by_telegrams_word(counter, balance, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    assert (await counter.refunded("c1", offer.payload)).new
    assert (await balance()).credits == 0


async def test_a_refund_that_fails_at_telegram_changes_nothing_here(
    counter, balance, sessions, payments, clock
) -> None:
    class BrokenBank(FakeBank):
        async def refund(self, user_id: int, charge_id: str) -> None:
            raise ConnectionError

    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    with pytest.raises(ConnectionError):
        await Cashier(sessions, payments, BrokenBank()).refund("c1")
    assert (await balance()).credits == 10


async def test_a_refund_that_telegram_refuses_is_told_with_what_was_done_all_the_same(
    counter, sessions, payments, clock
) -> None:
    class StrictBank(FakeBank):
        async def refund(self, user_id: int, charge_id: str) -> None:
            raise NotRefundable("Telegram refuses: TOO_LATE.", reason="refused")

    pack, plus, strict = await counter.offer(), await counter.offer("plus"), StrictBank()
    await counter.paid(Paid("c1", pack.payload, 50, clock.now))
    await counter.paid(month("c2", plus, clock.now))
    for charge, said in (("c1", "TOO_LATE.$"), ("c2", "TOO_LATE. It will not be renewed, though.$")):
        with pytest.raises(NotRefundable, match=said) as refusal:
            await Cashier(sessions, payments, strict).refund(charge)
        assert refusal.value.details == {"reason": "refused"}
    assert await counter.plus_until() == clock.now + MONTH_S


async def test_a_refund_heard_of_before_its_payment_leaves_nothing_to_gain(counter, balance, sessions, clock) -> None:
    offer, told = await counter.offer(), clock.now
    await counter.refunded("c1", offer.payload)
    clock.now += 60
    receipt = await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    assert not receipt.new
    assert (await balance()).credits == 0
    async with sessions() as session:
        assert (await session.get(Payment, "c1")).refunded == told, "statistics count it on the day it went back"


async def test_a_payment_and_its_refund_at_the_same_time_leave_nothing(counter, balance, clock) -> None:
    for number in range(4):
        offer = await counter.offer()
        await asyncio.gather(
            counter.paid(Paid(f"c{number}", offer.payload, 50, clock.now)),
            counter.refunded(f"c{number}", offer.payload),
            counter.paid(Paid(f"c{number}", offer.payload, 50, clock.now)),
            counter.refunded(f"c{number}", offer.payload),
        )
        now = await balance()
        assert (now.credits, now.debt) == (0, 0)


async def test_unmatched_stars_can_go_back(counter, balance, cashier, bank, clock) -> None:
    await counter.paid(Paid("c1", "nobody knows", 50, clock.now))
    assert (await cashier.refund("c1")).new
    assert bank.refunds == [(ANNA, "c1")]
    assert (await balance()).debt == 0


async def test_a_refunded_month_is_taken_off_and_not_renewed(counter, cashier, bank, balance, clock) -> None:
    offer = await counter.offer("plus")
    await counter.paid(month("c1", offer, clock.now))
    await cashier.refund("c1")
    assert bank.stopped == [(ANNA, "c1")]
    assert (await balance()).plan == "free"
    assert await counter.plus_until() is None


async def test_the_first_month_refunded_is_not_renewed_either(counter, cashier, bank, clock) -> None:
    offer = await counter.offer("plus")
    await counter.paid(Paid("c1", offer.payload, 250, clock.now, recurring=False, expires=clock.now + MONTH_S))
    await cashier.refund("c1")
    assert bank.stopped == [(ANNA, "c1")]


async def test_whoever_asks_again_hears_what_was_owed(counter, credits, sessions, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    async with sessions.begin() as session:
        await credits.reserve(session, ANNA, 8, "job")
    first, again = await counter.refunded("c1", offer.payload), await counter.refunded("c1", offer.payload)
    assert (first.new, again.new) == (True, False)
    assert first.owed == again.owed > 0


async def test_a_subscription_that_telegram_has_not_is_not_said_to_be_ended(counter, sessions, payments, clock) -> None:
    forgetful = FakeBank("c1")
    offer = await counter.offer("plus")
    await counter.paid(month("c1", offer, clock.now))
    assert await Cashier(sessions, payments, forgetful).stop_renewal(ANNA) is Renewal.REFUSED
    async with sessions() as session:
        assert (await payments.subscription(session, ANNA)).state == "canceled"


async def test_an_old_month_refunded_leaves_the_running_one(counter, cashier, clock) -> None:
    offer, start = await counter.offer("plus"), clock.now
    for number in range(2):
        await counter.paid(month(f"c{number}", offer, start + number * MONTH_S))
    await cashier.refund("c0")
    assert await counter.plus_until() == start + 2 * MONTH_S


async def test_an_old_month_refunded_ends_the_renewal_in_the_books_too(
    counter, cashier, bank, payments, sessions, clock
) -> None:
    offer, start = await counter.offer("plus"), clock.now
    for number in range(2):
        await counter.paid(month(f"c{number}", offer, start + number * MONTH_S))
    assert (await cashier.refund("c0")).ended
    assert bank.stopped == [(ANNA, "c0")]
    async with sessions() as session:
        assert (await payments.subscription(session, ANNA)).state == "canceled"
    told = await counter.refunded("c0", offer.payload, 250)
    assert (told.new, told.ended) == (False, True)


async def test_telegrams_word_of_a_refund_finds_the_renewal_ended_however_soon_it_comes(
    counter, sessions, payments, clock
) -> None:
    told = []

    class Prompt(FakeBank):
        async def refund(self, user_id: int, charge_id: str) -> None:
            told.append(await counter.refunded(charge_id, stars=250))

    offer = await counter.offer("plus")
    await counter.paid(month("c1", offer, clock.now))
    await Cashier(sessions, payments, Prompt()).refund("c1")
    assert [refund.ended for refund in told] == [True]


async def test_a_refund_of_a_subscription_that_telegram_would_not_end_does_not_say_that_it_has(
    counter, sessions, payments, clock
) -> None:
    offer = await counter.offer("plus")
    await counter.paid(month("c1", offer, clock.now))
    assert not (await Cashier(sessions, payments, FakeBank("c1")).refund("c1")).ended


async def test_a_renewal_is_ended_once(counter, cashier, bank, clock) -> None:
    offer = await counter.offer("plus")
    assert await cashier.stop_renewal(ANNA) is Renewal.NONE
    await counter.paid(month("c1", offer, clock.now))
    assert await cashier.stop_renewal(ANNA) is Renewal.ENDED
    assert await cashier.stop_renewal(ANNA) is Renewal.NONE
    assert bank.stopped == [(ANNA, "c1")]
