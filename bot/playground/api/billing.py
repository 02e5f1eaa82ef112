"""Methods about Telegram Stars."""

from __future__ import annotations

from typing import Any

from bot.playground.api.call import Call
from bot.playground.api.registry import BotApi, method
from bot.playground.api.sending import send
from bot.playground.telegram.errors import bad_request
from bot.playground.telegram.model import Json
from bot.playground.telegram.payments import SUBSCRIPTION_PERIOD, Invoice

_MAX_TITLE = 32
_MAX_DESCRIPTION = 255
_MAX_PAYLOAD = 128
_STARS = range(1, 100_001)
_SUBSCRIPTION_STARS = range(1, 10_001)


def _invoice(call: Call, *, subscription_period: int | None = None) -> Invoice:
    title, description = call.required("title"), call.required("description")
    payload, currency = call.required("payload"), call.required("currency")
    call.required("prices")
    total = _total(call.json("prices", "prices"))
    if currency != "XTR":
        # Other currencies need a payment provider, and there is none here.
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    tips = call.text("max_tip_amount") not in {"", "0"} or call.text("suggested_tip_amounts") not in {"", "[]"}
    if call.text("provider_token") or len(call.json("prices", "prices")) != 1 or tips:
        raise bad_request("STARS_INVOICE_INVALID")
    if len(title) > _MAX_TITLE:
        raise bad_request("INVOICE_TITLE_TOO_LONG")
    if len(description) > _MAX_DESCRIPTION:
        raise bad_request("INVOICE_DESCRIPTION_TOO_LONG")
    if len(payload.encode()) > _MAX_PAYLOAD:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if total not in (_STARS if subscription_period is None else _SUBSCRIPTION_STARS):
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    return Invoice(title, description, payload, total, call.text("start_parameter"), subscription_period)


def _total(prices: Any) -> int:
    if not isinstance(prices, list):
        raise bad_request("Expected an Array of labeled prices")
    if not prices:
        raise bad_request("There must be at least one price")
    total = 0
    for price in prices:
        if not isinstance(price, dict):
            raise bad_request("Can't parse labeled price: LabeledPrice must be an Object")
        if not price.get("label"):
            raise bad_request("Can't parse labeled price: LabeledPrice label must be non-empty")
        if not isinstance(price.get("amount"), int):
            raise bad_request('Can\'t parse labeled price: Field "amount" must be a valid Number')
        total += price["amount"]
    return total


@method("sendInvoice")
async def send_invoice(api: BotApi, call: Call) -> Json:
    invoice = _invoice(call)
    return (await send(api, call, {"invoice": invoice.json()}, invoice=invoice)).json()


@method("createInvoiceLink")
async def create_invoice_link(api: BotApi, call: Call) -> str:
    period = call.integer("subscription_period") or None
    if period not in {None, SUBSCRIPTION_PERIOD}:
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    return api.telegram.ledger.link(_invoice(call, subscription_period=period))


@method("refundStarPayment")
async def refund_star_payment(api: BotApi, call: Call) -> bool:
    api.cashier.refund(call.user_id(), call.required("telegram_payment_charge_id"))
    return True


@method("editUserStarSubscription")
async def edit_user_star_subscription(api: BotApi, call: Call) -> bool:
    charge_id = call.required("telegram_payment_charge_id")
    api.cashier.edit_subscription(call.user_id(), charge_id, canceled=call.flag("is_canceled"))
    return True
