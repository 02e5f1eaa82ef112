"""Telegram Stars: what is asked before a payment."""

from __future__ import annotations

import pytest

from bot.accounts.payments import Refusal
from bot.accounts.tariff import MONTH_S, Pack, Tariff
from tests.integration.bot.accounts.payments.people import ANNA, BORIS, month


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
    await counter.paid(month("c1", offer, clock.now))
    assert await counter.check(second.payload, 250) is Refusal.SUBSCRIBED
    await counter.changed(offer.payload, "canceled")
    assert await counter.check(second.payload, 250) is None
    await counter.changed(offer.payload, "active")
    clock.now += MONTH_S + 1
    assert await counter.check(second.payload, 250) is None
