"""Stars: invoices, checkouts within ten seconds, refunds, subscriptions; the sums always agree."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.playground.telegram.payments import SUBSCRIPTION_PERIOD, Charge, PaymentFailed

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
INVOICE = {
    "title": "Pack",
    "description": "Ten credits",
    "payload": "pack:10",
    "currency": "XTR",
    "prices": [{"label": "Pack", "amount": 50}],
}


async def paid(bench: Any, invoice: Any) -> Charge:
    checkout = bench.cashier.open(bench.anna, invoice)
    await bench.call("answerPreCheckoutQuery", pre_checkout_query_id=checkout.id, ok=True)
    charge = await bench.cashier.outcome(checkout)
    assert isinstance(charge, Charge)
    return charge


@pytest.fixture
async def invoice(bench: Any) -> Any:
    sent = await bench.to_anna("sendInvoice", **INVOICE)
    return bench.chat.messages[sent["message_id"]].invoice


@pytest.fixture
async def subscription(bench: Any) -> Any:
    link = await bench.call("createInvoiceLink", **INVOICE, subscription_period=SUBSCRIPTION_PERIOD)
    charge = await paid(bench, bench.telegram.ledger.by_link(link))
    return charge.subscription


async def test_an_invoice_has_a_button_to_pay(bench: Any) -> None:
    sent = await bench.to_anna("sendInvoice", **INVOICE)
    assert sent["invoice"] == {
        "title": "Pack",
        "description": "Ten credits",
        "start_parameter": "",
        "currency": "XTR",
        "total_amount": 50,
    }
    assert sent["reply_markup"]["inline_keyboard"][0][0]["pay"] is True


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"title": ""}, 'parameter "title" is required'),
        ({"payload": ""}, 'parameter "payload" is required'),
        ({"prices": []}, "there must be at least one price"),
        ({"prices": [{"label": "a", "amount": 1}] * 2}, "STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 0}]}, "CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "", "amount": 1}]}, "can't parse labeled price: LabeledPrice label must be non-empty"),
        ({"provider_token": "x"}, "STARS_INVOICE_INVALID"),
        ({"max_tip_amount": 5}, "STARS_INVOICE_INVALID"),
        ({"currency": "EUR"}, "PAYMENT_PROVIDER_INVALID"),
        ({"payload": "é" * 65}, "INVOICE_PAYLOAD_INVALID"),
        ({"title": "a" * 33}, "INVOICE_TITLE_TOO_LONG"),
    ],
)
async def test_refused_invoices(bench: Any, changed: dict[str, Any], message: str) -> None:
    refusal = await bench.refusal("sendInvoice", chat_id=bench.anna.id, **(INVOICE | changed))
    assert refusal == f"Bad Request: {message}"


async def test_a_payment_moves_the_stars_and_is_told(bench: Any, invoice: Any) -> None:
    charge = await paid(bench, invoice)
    asked, told = bench.heard()
    assert asked.body["invoice_payload"] == "pack:10"
    assert told.body["successful_payment"] == {
        "currency": "XTR",
        "total_amount": 50,
        "invoice_payload": "pack:10",
        "telegram_payment_charge_id": charge.id,
        "provider_payment_charge_id": "",
    }
    assert bench.anna.stars == 950


async def test_an_invoice_can_be_paid_twice(bench: Any, invoice: Any) -> None:
    first, second = await paid(bench, invoice), await paid(bench, invoice)
    assert first.id != second.id
    assert bench.anna.stars == 900


async def test_success_can_be_told_twice_with_the_same_charge(bench: Any, invoice: Any) -> None:
    charge = await paid(bench, invoice)
    bench.heard()
    bench.cashier.announce(charge)
    again = bench.heard()[0]
    assert again.body["successful_payment"]["telegram_payment_charge_id"] == charge.id
    assert bench.anna.stars == 950


async def test_the_bot_may_decline_with_a_reason(bench: Any, invoice: Any) -> None:
    checkout = bench.cashier.open(bench.anna, invoice)
    refusal = await bench.refusal("answerPreCheckoutQuery", pre_checkout_query_id=checkout.id, ok=False)
    assert refusal == 'Bad Request: parameter "error_message" is required'
    args = {"pre_checkout_query_id": checkout.id, "ok": False, "error_message": "Sold out"}
    assert await bench.call("answerPreCheckoutQuery", **args)
    with pytest.raises(PaymentFailed, match="Sold out"):
        await bench.cashier.outcome(checkout)
    assert bench.anna.stars == 1000


async def test_after_ten_seconds_the_payment_has_failed_and_the_answer_is_refused(bench: Any, invoice: Any) -> None:
    checkout = bench.cashier.open(bench.anna, invoice)
    waiting = asyncio.create_task(bench.cashier.outcome(checkout))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    bench.clock.advance(10.5)
    with pytest.raises(PaymentFailed, match="BOT_PRECHECKOUT_TIMEOUT"):
        await waiting
    refusal = await bench.refusal("answerPreCheckoutQuery", pre_checkout_query_id=checkout.id, ok=True)
    assert refusal == TOO_OLD
    assert bench.anna.stars == 1000


async def test_nobody_pays_what_they_do_not_have(bench: Any, invoice: Any) -> None:
    bench.anna.stars = 49
    with pytest.raises(PaymentFailed, match="BALANCE_TOO_LOW"):
        bench.cashier.open(bench.anna, invoice)


async def test_a_payment_is_refunded_once(bench: Any, invoice: Any) -> None:
    charge = await paid(bench, invoice)
    bench.heard()
    args = {"user_id": bench.anna.id, "telegram_payment_charge_id": charge.id}
    assert await bench.call("refundStarPayment", **args)
    told = bench.heard()[0].body
    assert told["refunded_payment"]["telegram_payment_charge_id"] == charge.id
    # Telegram says so in the bot's name, to the bot.
    assert (told["from"]["is_bot"], told["chat"]["id"]) == (True, bench.anna.id)
    assert bench.anna.stars == 1000
    assert await bench.refusal("refundStarPayment", **args) == "Bad Request: CHARGE_ALREADY_REFUNDED"
    assert bench.anna.stars == 1000
    other = args | {"telegram_payment_charge_id": "x"}
    assert await bench.refusal("refundStarPayment", **other) == "Bad Request: CHARGE_NOT_FOUND"
    assert (
        await bench.refusal("refundStarPayment", telegram_payment_charge_id="x")
        == "Bad Request: invalid user_id specified"
    )


async def test_a_subscription_is_marked_and_renewed_until_cancelled(bench: Any, subscription: Any) -> None:
    told = bench.heard()[-1].body["successful_payment"]
    assert (told["is_recurring"], told["is_first_recurring"]) == (True, True)
    assert told["subscription_expiration_date"] == bench.telegram.now() + SUBSCRIPTION_PERIOD
    bench.cashier.renew(subscription)
    renewed = bench.heard()[0].body["successful_payment"]
    assert "is_first_recurring" not in renewed
    assert renewed["subscription_expiration_date"] == told["subscription_expiration_date"] + SUBSCRIPTION_PERIOD
    assert renewed["telegram_payment_charge_id"] != told["telegram_payment_charge_id"]
    bench.cashier.cancel(subscription)
    assert bench.heard()[0].body["state"] == "canceled"
    with pytest.raises(PaymentFailed):
        bench.cashier.renew(subscription)
    bench.cashier.resume(subscription)
    assert bench.heard()[0].body["state"] == "active"


async def test_a_renewal_without_stars_fails_and_is_told(bench: Any, subscription: Any) -> None:
    bench.heard()
    bench.anna.stars = 0
    assert bench.cashier.renew(subscription) is None
    assert bench.heard()[0].body == {"user": bench.anna.json(), "invoice_payload": "pack:10", "state": "failed"}


async def test_the_bot_cancels_a_subscription_for_good(bench: Any, subscription: Any) -> None:
    args = {"user_id": bench.anna.id, "telegram_payment_charge_id": subscription.charges[0].id}
    assert await bench.call("editUserStarSubscription", **args, is_canceled=True)
    with pytest.raises(PaymentFailed):
        bench.cashier.resume(subscription)
    assert await bench.call("editUserStarSubscription", **args, is_canceled=False)
    bench.cashier.resume(subscription)
    args["telegram_payment_charge_id"] = "x"
    refusal = await bench.refusal("editUserStarSubscription", **args, is_canceled=True)
    assert refusal == "Bad Request: CHARGE_ID_INVALID"


async def test_subscriptions_are_monthly(bench: Any) -> None:
    refusal = await bench.refusal("createInvoiceLink", **INVOICE, subscription_period=60)
    assert refusal == "Bad Request: SUBSCRIPTION_PERIOD_INVALID"
