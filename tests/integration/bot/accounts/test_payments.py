"""Telegram Stars: what is asked before, what a payment brings, and what a refund takes back."""

from __future__ import annotations

import asyncio

import pytest

from bot.accounts.cashier import Cashier, NotRefundable, Renewal
from bot.accounts.payments import Paid, Refusal, Status
from bot.accounts.tables import Payment, User
from bot.accounts.tariff import MONTH_S, Pack, Tariff

ANNA, BORIS = 1001, 1002


@pytest.fixture(autouse=True)
async def people(accounts, sessions) -> None:
    async with sessions.begin() as session:
        await accounts.open(session, ANNA, "en")
        await accounts.open(session, BORIS, "ru")


@pytest.fixture
def counter(sessions, payments):
    """The calls a router makes, each in a transaction of its own."""

    class Counter:
        async def offer(self, product="small", user_id=ANNA):
            async with sessions.begin() as session:
                return await payments.offer(session, user_id, product)

        async def check(self, payload, stars, user_id=ANNA, currency="XTR"):
            async with sessions() as session:
                return await payments.check(session, user_id, payload, currency, stars)

        async def paid(self, paid, user_id=ANNA):
            async with sessions.begin() as session:
                return await payments.paid(session, user_id, paid)

        async def refunded(self, charge_id, payload="", stars=50, user_id=ANNA):
            async with sessions.begin() as session:
                return await payments.refunded(session, user_id, charge_id, payload, stars)

        async def changed(self, payload, state):
            async with sessions.begin() as session:
                await payments.subscription_changed(session, ANNA, payload, state)

        async def plus_until(self):
            async with sessions() as session:
                return (await session.get(User, ANNA)).plus_until

    return Counter()


@pytest.fixture
def balance(sessions, credits):
    async def read(user_id=ANNA):
        async with sessions() as session:
            return await credits.balance(session, user_id)

    return read


class FakeBank:
    def __init__(self) -> None:
        self.refunds: list[tuple[int, str]] = []
        self.stopped: list[tuple[int, str]] = []

    async def refund(self, user_id: int, charge_id: str) -> None:
        self.refunds.append((user_id, charge_id))

    async def stop_renewal(self, user_id: int, charge_id: str) -> bool:
        self.stopped.append((user_id, charge_id))
        return True


@pytest.fixture
def bank() -> FakeBank:
    return FakeBank()


@pytest.fixture
def cashier(sessions, payments, bank) -> Cashier:
    return Cashier(sessions, payments, bank)


# -- before the payment ------------------------------------------------------------------------------------------------


async def test_an_offer_says_nothing_to_strangers_and_fits_telegrams_payload(counter) -> None:
    offer, other = await counter.offer(), await counter.offer()
    assert (offer.product, offer.stars, offer.credits, offer.period) == ("small", 50, 10, None)
    assert offer.payload != other.payload
    assert len(offer.payload.encode()) <= 128
    assert "small" not in offer.payload


async def test_the_subscription_is_offered_for_thirty_days(counter) -> None:
    offer = await counter.offer("plus")
    assert (offer.stars, offer.credits, offer.period) == (250, 0, 2_592_000)


async def test_what_is_not_for_sale_is_not_offered(counter) -> None:
    with pytest.raises(LookupError):
        await counter.offer("yacht")


async def test_a_proper_checkout_is_approved(counter) -> None:
    offer = await counter.offer()
    assert await counter.check(offer.payload, 50) is None


async def test_a_checkout_for_nothing_we_offered_is_refused(counter) -> None:
    assert await counter.check("made up", 50) is Refusal.UNKNOWN


async def test_somebody_elses_invoice_is_refused(counter) -> None:
    offer = await counter.offer()
    assert await counter.check(offer.payload, 50, user_id=BORIS) is Refusal.NOT_YOURS


@pytest.mark.parametrize(("stars", "currency"), [(49, "XTR"), (51, "XTR"), (50, "EUR")])
async def test_another_price_is_refused(counter, stars, currency) -> None:
    offer = await counter.offer()
    assert await counter.check(offer.payload, stars, currency=currency) is Refusal.PRICE


async def test_a_banned_person_pays_for_nothing(counter, accounts, sessions) -> None:
    offer = await counter.offer()
    async with sessions.begin() as session:
        await accounts.ban(session, ANNA, banned=True)
    assert await counter.check(offer.payload, 50) is Refusal.BANNED


@pytest.mark.parametrize(
    "packs", [(), (Pack(name="small", stars=60, credits=10),), (Pack(name="small", stars=50, credits=9),)]
)
async def test_an_offer_that_changed_or_went_is_withdrawn(counter, payments, packs) -> None:
    offer = await counter.offer()
    payments._tariff = Tariff(packs=packs)
    assert await counter.check(offer.payload, 50) is Refusal.WITHDRAWN


async def test_who_has_a_subscription_that_renews_is_not_sold_another(counter, clock) -> None:
    offer, second = await counter.offer("plus"), await counter.offer("plus")
    await counter.paid(Paid("c1", offer.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S))
    assert await counter.check(second.payload, 250) is Refusal.SUBSCRIBED
    await counter.changed(offer.payload, "canceled")
    assert await counter.check(second.payload, 250) is None
    await counter.changed(offer.payload, "active")
    clock.now += MONTH_S + 1
    assert await counter.check(second.payload, 250) is None


# -- the payment -------------------------------------------------------------------------------------------------------


async def test_a_payment_brings_its_credits(counter, balance, clock) -> None:
    offer = await counter.offer()
    receipt = await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    assert (receipt.product, receipt.credits, receipt.new, receipt.repeated) == ("small", 10, True, False)
    assert (await balance()).credits == 10


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
    assert (receipt.new, receipt.repeated) == (True, True)
    assert (await balance()).credits == 20
    async with sessions() as session:
        assert (await session.get(Payment, "c2")).repeated


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


async def test_a_persons_payments_are_listed_newest_first(counter, payments, sessions, clock) -> None:
    offer = await counter.offer()
    for number in range(3):
        await counter.paid(Paid(f"c{number}", offer.payload, 50, clock.now + number))
    async with sessions() as session:
        assert [payment.charge_id for payment in await payments.of(session, ANNA)] == ["c2", "c1", "c0"]
        assert await payments.of(session, BORIS) == []


# -- subscriptions -----------------------------------------------------------------------------------------------------


async def test_a_subscription_is_paid_for_until_telegram_says(counter, balance, clock) -> None:
    offer = await counter.offer("plus")
    receipt = await counter.paid(Paid("c1", offer.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S))
    assert receipt.plus_until == clock.now + MONTH_S
    now = await balance()
    assert (now.plan, now.quota, now.credits) == ("plus", 20, 0)
    clock.now += MONTH_S
    assert (await balance()).plan == "free"


async def test_a_renewal_is_no_repetition_and_adds_a_month(counter, clock) -> None:
    offer, start = await counter.offer("plus"), clock.now
    await counter.paid(Paid("c1", offer.payload, 250, start, recurring=True, expires=start + MONTH_S))
    # Telegram charges a little before the month is over.
    paid = Paid("c2", offer.payload, 250, start + MONTH_S - 600, recurring=True, expires=start + 2 * MONTH_S)
    receipt = await counter.paid(paid)
    assert (receipt.repeated, receipt.plus_until) == (False, start + 2 * MONTH_S)


async def test_months_charged_within_one_second_add_up_whatever_their_ids(counter, clock) -> None:
    offer, start = await counter.offer("plus"), clock.now
    # Telegram dates messages by the second, and its charge ids have no order.
    for month, charge in enumerate(("b", "c", "a"), start=1):
        await counter.paid(Paid(charge, offer.payload, 250, start, recurring=True, expires=start + month * MONTH_S))
    assert await counter.plus_until() == start + 3 * MONTH_S


async def test_months_told_in_the_wrong_order_or_twice_add_up_the_same(counter, clock) -> None:
    offer, start = await counter.offer("plus"), clock.now
    months = [
        Paid(
            f"c{month}",
            offer.payload,
            250,
            start + month * MONTH_S,
            recurring=True,
            expires=start + (month + 1) * MONTH_S,
        )
        for month in range(3)
    ]
    for month in (2, 0, 2, 1, 0):
        await counter.paid(months[month])
    assert await counter.plus_until() == start + 3 * MONTH_S


async def test_a_month_paid_twice_by_two_subscriptions_is_two_months(counter, clock) -> None:
    for number in (1, 2):
        offer = await counter.offer("plus")
        await counter.paid(
            Paid(f"c{number}", offer.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S)
        )
    assert await counter.plus_until() == clock.now + 2 * MONTH_S


async def test_a_cancelled_or_failed_subscription_keeps_what_is_paid(
    counter, payments, sessions, balance, clock
) -> None:
    offer = await counter.offer("plus")
    await counter.paid(Paid("c1", offer.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S))
    for state in ("canceled", "active", "failed"):
        await counter.changed(offer.payload, state)
        async with sessions() as session:
            assert (await payments.subscription(session, ANNA)).state == state
        assert (await balance()).plan == "plus"


async def test_a_cancellation_that_overtakes_its_payment_stands(counter, payments, sessions, clock) -> None:
    offer = await counter.offer("plus")
    paid = clock.now - 5
    await counter.changed(offer.payload, "canceled")
    await counter.paid(Paid("c1", offer.payload, 250, paid, recurring=True, expires=paid + MONTH_S))
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
    await counter.paid(Paid("c1", offer.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S))
    await counter.changed(offer.payload, "failed")
    await counter.paid(
        Paid("c2", offer.payload, 250, clock.now + MONTH_S, recurring=True, expires=clock.now + 2 * MONTH_S)
    )
    async with sessions() as session:
        subscription = await payments.subscription(session, ANNA)
    assert (subscription.state, subscription.charge_id) == ("active", "c2")


# -- refunds -----------------------------------------------------------------------------------------------------------


async def test_a_refund_takes_the_credits_back(counter, balance, cashier, bank, clock) -> None:
    offer = await counter.offer()
    await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    refund = await cashier.refund("c1")
    assert (refund.user_id, refund.stars, refund.owed, refund.new) == (ANNA, 50, 0, True)
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
    await counter.paid(Paid("c2", plus.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S))
    for charge, said in (("c1", "TOO_LATE.$"), ("c2", "TOO_LATE. It will not be renewed, though.$")):
        with pytest.raises(NotRefundable, match=said) as refusal:
            await Cashier(sessions, payments, strict).refund(charge)
        assert refusal.value.details == {"reason": "refused"}
    assert await counter.plus_until() == clock.now + MONTH_S


async def test_a_refund_heard_of_before_its_payment_leaves_nothing_to_gain(counter, balance, clock) -> None:
    offer = await counter.offer()
    await counter.refunded("c1", offer.payload)
    receipt = await counter.paid(Paid("c1", offer.payload, 50, clock.now))
    assert not receipt.new
    assert (await balance()).credits == 0


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
    await counter.paid(Paid("c1", offer.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S))
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
    class Forgetful(FakeBank):
        async def stop_renewal(self, user_id: int, charge_id: str) -> bool:
            return False

    offer = await counter.offer("plus")
    await counter.paid(Paid("c1", offer.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S))
    assert await Cashier(sessions, payments, Forgetful()).stop_renewal(ANNA) is Renewal.REFUSED
    async with sessions() as session:
        assert (await payments.subscription(session, ANNA)).state == "canceled"


async def test_an_old_month_refunded_leaves_the_running_one(counter, cashier, clock) -> None:
    offer, start = await counter.offer("plus"), clock.now
    for month in range(2):
        paid = start + month * MONTH_S
        await counter.paid(Paid(f"c{month}", offer.payload, 250, paid, recurring=True, expires=paid + MONTH_S))
    await cashier.refund("c0")
    assert await counter.plus_until() == start + 2 * MONTH_S


async def test_a_renewal_is_ended_once(counter, cashier, bank, clock) -> None:
    offer = await counter.offer("plus")
    assert await cashier.stop_renewal(ANNA) is Renewal.NONE
    await counter.paid(Paid("c1", offer.payload, 250, clock.now, recurring=True, expires=clock.now + MONTH_S))
    assert await cashier.stop_renewal(ANNA) is Renewal.ENDED
    assert await cashier.stop_renewal(ANNA) is Renewal.NONE
    assert bank.stopped == [(ANNA, "c1")]
