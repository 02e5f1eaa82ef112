"""Telegram Stars: months that are paid for, renewed, and ended."""

from __future__ import annotations

import pytest

from bot.accounts.cashier import Cashier, Renewal
from bot.accounts.payments import Paid, Refusal
from bot.accounts.tables import Payment
from bot.accounts.tariff import MONTH_S
from tests.integration.bot.accounts.payments.people import ANNA, BORIS, FakeBank, month


async def test_a_subscription_is_paid_for_until_telegram_says(counter, balance, clock) -> None:
    offer = await counter.offer("plus")
    receipt = await counter.paid(month("c1", offer, clock.now))
    assert receipt.plus_until == clock.now + MONTH_S
    now = await balance()
    assert (now.plan, now.quota, now.credits) == ("plus", 20, 0)
    clock.now += MONTH_S
    assert (await balance()).plan == "free"


async def test_a_renewal_is_no_repetition_and_adds_a_month(counter, sessions, clock) -> None:
    offer, start = await counter.offer("plus"), clock.now
    await counter.paid(month("c1", offer, start))
    # Telegram charges a little before the month is over.
    paid = Paid("c2", offer.payload, 250, start + MONTH_S - 600, recurring=True, expires=start + 2 * MONTH_S)
    receipt = await counter.paid(paid)
    assert receipt.plus_until == start + 2 * MONTH_S
    async with sessions() as session:
        assert not (await session.get(Payment, "c2")).repeated


async def test_months_charged_within_one_second_add_up_whatever_their_ids(counter, clock) -> None:
    offer, start = await counter.offer("plus"), clock.now
    # Telegram dates messages by the second, and its charge ids have no order.
    for number, charge in enumerate(("b", "c", "a"), start=1):
        await counter.paid(Paid(charge, offer.payload, 250, start, recurring=True, expires=start + number * MONTH_S))
    assert await counter.plus_until() == start + 3 * MONTH_S


async def test_months_told_in_the_wrong_order_or_twice_add_up_the_same(counter, clock) -> None:
    offer, start = await counter.offer("plus"), clock.now
    months = [month(f"c{number}", offer, start + number * MONTH_S) for number in range(3)]
    for number in (2, 0, 2, 1, 0):
        await counter.paid(months[number])
    assert await counter.plus_until() == start + 3 * MONTH_S


async def test_a_month_paid_twice_by_two_subscriptions_is_two_months(counter, clock) -> None:
    for number in (1, 2):
        offer = await counter.offer("plus")
        await counter.paid(month(f"c{number}", offer, clock.now))
    assert await counter.plus_until() == clock.now + 2 * MONTH_S


async def test_a_cancelled_or_failed_subscription_keeps_what_is_paid(
    counter, payments, sessions, balance, clock
) -> None:
    offer = await counter.offer("plus")
    await counter.paid(month("c1", offer, clock.now))
    for state in ("canceled", "active", "failed"):
        await counter.changed(offer.payload, state)
        async with sessions() as session:
            assert (await payments.subscription(session, ANNA)).state == state
        assert (await balance()).plan == "plus"


async def test_a_cancellation_that_overtakes_its_payment_stands(counter, payments, sessions, clock) -> None:
    offer = await counter.offer("plus")
    paid = clock.now - 5
    await counter.changed(offer.payload, "canceled")
    await counter.paid(month("c1", offer, paid))
    async with sessions() as session:
        subscription = await payments.subscription(session, ANNA)
    assert (subscription.state, subscription.charge_id) == ("canceled", "c1")
    assert await counter.plus_until() == paid + MONTH_S


async def test_a_change_of_somebody_elses_or_an_unknown_subscription_is_ignored(counter, payments, sessions) -> None:
    theirs = await counter.offer("plus", user_id=BORIS)
    await counter.changed(theirs.payload, "canceled")
    await counter.changed("never offered", "canceled")
    async with sessions() as session:
        assert [await payments.subscription(session, user_id) for user_id in (ANNA, BORIS)] == [None, None]


async def test_a_payment_after_a_failure_makes_the_subscription_active_again(
    counter, payments, sessions, clock
) -> None:
    offer = await counter.offer("plus")
    await counter.paid(month("c1", offer, clock.now))
    await counter.changed(offer.payload, "failed")
    await counter.paid(month("c2", offer, clock.now + MONTH_S))
    async with sessions() as session:
        subscription = await payments.subscription(session, ANNA)
    assert (subscription.state, subscription.charge_id) == ("active", "c2")


async def test_a_renewal_makes_active_again_what_failed_before_however_late_both_are_heard_of(
    counter, payments, sessions, clock
) -> None:
    offer, start = await counter.offer("plus"), clock.now
    await counter.paid(month("c1", offer, start))
    # The bot was away while a charge failed, and while the next one did not.
    clock.now = start + MONTH_S + 3600
    await counter.changed(offer.payload, "failed")
    await counter.paid(month("c2", offer, start + MONTH_S))
    async with sessions() as session:
        subscription = await payments.subscription(session, ANNA)
    assert (subscription.state, subscription.charge_id) == ("active", "c2")


async def test_an_older_month_that_is_told_late_says_nothing_of_how_things_stand(
    counter, payments, sessions, clock
) -> None:
    offer, start = await counter.offer("plus"), clock.now
    await counter.paid(month("c2", offer, start + MONTH_S))
    await counter.changed(offer.payload, "failed")
    await counter.paid(month("c1", offer, start))
    async with sessions() as session:
        subscription = await payments.subscription(session, ANNA)
    assert (subscription.state, subscription.charge_id) == ("failed", "c2")


@pytest.fixture
def two(counter, clock):
    """Two subscriptions that both run: one was cancelled, the other bought, and the first taken up again at Telegram's."""

    async def two() -> None:
        first, second = await counter.offer("plus"), await counter.offer("plus")
        await counter.paid(month("c1", first, clock.now))
        await counter.changed(first.payload, "canceled")
        clock.now += 60
        await counter.paid(month("c2", second, clock.now))
        clock.now += 60
        await counter.changed(first.payload, "active")

    return two


async def test_whoever_has_two_subscriptions_ends_both(two, cashier, bank) -> None:
    await two()
    assert await cashier.stop_renewal(ANNA) is Renewal.ENDED
    assert sorted(bank.stopped) == [(ANNA, "c1"), (ANNA, "c2")]
    assert await cashier.stop_renewal(ANNA) is Renewal.NONE


@pytest.mark.parametrize("refused", ["c1", "c2"])
async def test_of_two_subscriptions_one_that_telegram_would_not_end_is_not_passed_over(
    two, sessions, payments, refused
) -> None:
    await two()
    bank = FakeBank(refused)
    assert await Cashier(sessions, payments, bank).stop_renewal(ANNA) is Renewal.REFUSED
    assert len(bank.stopped) == 2


async def test_while_one_of_two_subscriptions_renews_no_third_is_sold(two, counter, payments, sessions, clock) -> None:
    await two()
    async with sessions() as session:
        first = (await payments.subscription(session, ANNA)).payload
    clock.now += 60
    await counter.changed(first, "canceled")
    third = await counter.offer("plus")
    assert await counter.check(third.payload, 250) is Refusal.SUBSCRIBED


async def test_a_subscription_whose_charge_failed_is_ended_too(counter, cashier, bank, clock) -> None:
    offer = await counter.offer("plus")
    await counter.paid(month("c1", offer, clock.now))
    await counter.changed(offer.payload, "failed")
    assert await cashier.stop_renewal(ANNA) is Renewal.ENDED
    assert bank.stopped == [(ANNA, "c1")]
