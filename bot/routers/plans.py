"""What there is to buy, and Telegram's side of paying for it."""

from __future__ import annotations

import contextlib
import html
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime

from aiogram import Bot, F, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import (
    BotSubscriptionUpdated,
    CallbackQuery,
    LabeledPrice,
    Message,
    PreCheckoutQuery,
    TelegramObject,
    User,
)

from bot.accounts import events
from bot.accounts.accounts import Account, holds
from bot.accounts.cashier import Renewal
from bot.accounts.events import EventKind
from bot.accounts.payments import CURRENCY, Offer, Paid, Receipt, Refusal
from bot.conversation.visit import Visit
from bot.delivery.messages import Address, NotSent, Outgoing, Unreachable
from bot.delivery.telegram import in_our_words
from bot.presentation import keyboards
from bot.presentation.callbacks import AskStopRenewal, Buy, Open, StopRenewal
from bot.presentation.translations import Words
from bot.services import Services

log = logging.getLogger(__name__)

SHOP = "plans"
"""What the link from a group to the offers starts the private chat with."""


async def plans(_event: TelegramObject, visit: Visit) -> None:
    """What the person has, and what is for sale."""
    services, account, words = visit.services, visit.account, visit.words
    async with services.sessions() as session:
        balance = await services.credits.balance(session, account.id)
        subscription = await services.payments.subscription(session, account.id)
    plus, sells = account.plan == "plus", services.settings.tariff.sells(account.plan)
    lines: list[str] = []
    if balance.quota or not sells:
        lines.append(words.html("plans-quota", left=balance.quota_left, quota=balance.quota))
    if balance.credits or sells:
        lines.append(words.html("plans-credits", credits=balance.credits))
    if balance.held:
        lines.append(words.html("plans-held", held=balance.held))
    if balance.debt:
        lines.append(words.html("plans-debt", debt=balance.debt))
    if plus and account.plus_until:
        ends = subscription is not None and subscription.state == "canceled"
        lines.append(
            words.html("subscription-canceled" if ends else "plans-plus", until=_day(words, account.plus_until))
        )
    if sells:
        lines += ["", words.html("plans-offer")]
    renews = plus and subscription is not None and subscription.state == "active"
    await visit.say("\n".join(lines), keyboards.plans(words, services.settings.tariff, account, renews=renews))


async def buy(_query: CallbackQuery, callback_data: Buy, bot: Bot, visit: Visit, me: User) -> None:
    """Make an offer in private. Whoever taps in a group and cannot be written to is shown the way there."""
    services, account, words = visit.services, visit.account, visit.words
    try:
        async with services.sessions.begin() as session:
            offer = await services.payments.offer(session, account.id, callback_data.product)
            # Better said before the offer than when it is taken.
            refusal = await services.payments.check(session, account.id, offer.payload, CURRENCY, offer.stars)
    except LookupError:
        refusal = Refusal.WITHDRAWN
    if refusal is not None:
        await visit.say(words.html(f"checkout-{refusal}"))
        return
    try:
        await _offer(replace(visit, to=Address(account.id)), offer, bot)
    except Unreachable:
        if visit.to.chat_id == account.id:
            raise
        keyboard = keyboards.link(words.plain("button-open-chat"), f"https://t.me/{me.username}?start={SHOP}")
        await visit.say(words.html("buy-in-private"), keyboard)


async def _offer(visit: Visit, offer: Offer, bot: Bot) -> None:
    """A pack as an invoice, or the subscription behind a link: that is how Telegram takes subscriptions."""
    words = visit.words
    if offer.period is None:
        title = words.plain("invoice-pack", credits=offer.credits)
        async with in_our_words():
            await bot.send_invoice(
                visit.to.chat_id,
                title=title,
                description=words.plain("invoice-pack-about", credits=offer.credits),
                payload=offer.payload,
                currency=CURRENCY,
                prices=[LabeledPrice(label=title, amount=offer.stars)],
            )
        return
    title, brings = words.plain("invoice-plus"), _brought(visit.services)
    link = await bot.create_invoice_link(
        title=title,
        description=words.plain("invoice-plus-about", **brings),
        payload=offer.payload,
        currency=CURRENCY,
        prices=[LabeledPrice(label=title, amount=offer.stars)],
        subscription_period=offer.period,
    )
    keyboard = keyboards.link(words.plain("button-pay-subscription", stars=offer.stars), link)
    await visit.say(words.html("plus-offer", **brings, stars=offer.stars), keyboard)


def _brought(services: Services) -> dict[str, str | int]:
    """What the subscription brings here, as its words name it: no swapped faces where there is no model for them."""
    tariff, extras = services.settings.tariff, []
    if tariff.larger_albums:
        extras.append("albums")
    if "swap" in services.catalogue.features:
        extras.append("swap")
    daily = tariff.subscription.daily if tariff.subscription is not None else 0
    return {"daily": daily, "extras": "-".join(extras) or "none"}


async def check(query: PreCheckoutQuery, visit: Visit) -> None:
    """Yes or no, within Telegram's ten seconds."""
    async with visit.services.sessions() as session:
        refusal = await visit.services.payments.check(
            session, visit.account.id, query.invoice_payload, query.currency, query.total_amount
        )
    said = visit.words.plain(f"checkout-{refusal}") if refusal else None
    await query.answer(ok=refusal is None, error_message=said)


async def paid(message: Message, visit: Visit) -> None:
    """Give what was paid for, once, however often Telegram says so."""
    payment = _reported(message)
    if payment is None:
        return
    async with visit.services.sessions.begin() as session:
        receipt = await visit.services.payments.paid(session, visit.account.id, payment)
    if receipt.new and receipt.unmatched:
        await _alert(visit.services, visit.account.id, payment, "for nothing that was offered here")
    if receipt.new:
        await visit.say(_thanks(visit.words, receipt))


async def set_aside(services: Services, message: Message) -> bool:
    """Leave a payment that breaks the bot to the operators. False when it was booked all the same, or is none."""
    payment, payer = _reported(message), message.from_user
    if payment is None or payer is None:
        return False
    async with services.sessions.begin() as session:
        new = await services.payments.set_aside(session, payer.id, payment)
    if new:
        await _alert(services, payer.id, payment, "and could not be booked")
    return new


def _reported(message: Message) -> Paid | None:
    payment = message.successful_payment
    if payment is None:
        return None
    return Paid(
        charge_id=payment.telegram_payment_charge_id,
        payload=payment.invoice_payload,
        stars=payment.total_amount,
        date=message.date.timestamp(),
        recurring=bool(payment.is_recurring) and not payment.is_first_recurring,
        expires=payment.subscription_expiration_date,
    )


async def _alert(services: Services, payer: int, payment: Paid, what: str) -> None:
    """Tell the operators of a payment that brought nothing: what becomes of it is theirs to decide."""
    log.warning("%d Stars came %s", payment.stars, what)
    text = f"{payment.stars} Stars came from {payer} {what}. To give them back: /refund {payment.charge_id}"
    for operator in services.settings.admins:
        with contextlib.suppress(NotSent):
            await services.sender.send(Address(operator), Outgoing(html.escape(text)))


async def refunded(message: Message, visit: Visit) -> None:
    """The Stars went back, and so do the credits they bought."""
    refund = message.refunded_payment
    if refund is None:
        return
    async with visit.services.sessions.begin() as session:
        done = await visit.services.payments.refunded(
            session, visit.account.id, refund.telegram_payment_charge_id, refund.invoice_payload, refund.total_amount
        )
    text = visit.words.html("refunded", stars=done.stars)
    if done.owed:
        text += "\n" + visit.words.html("refunded-owed", owed=done.owed)
    if done.ended:
        text += "\n" + visit.words.html("subscription-ends")
    await visit.say(text)


async def subscription(event: BotSubscriptionUpdated, visit: Visit) -> None:
    """A subscription was cancelled, taken up again, or its payment failed. What is paid for stays."""
    services, account, state = visit.services, visit.account, str(event.state)
    async with services.sessions.begin() as session:
        await services.payments.subscription_changed(session, account.id, event.invoice_payload, state)
        # Whoever had everything deleted leaves no trace by what Telegram says afterwards.
        if await holds(session, account.id):
            events.record(session, account.id, EventKind.SUBSCRIPTION, time.time(), state)
    if visit.words.knows(f"subscription-{state}"):
        await visit.say(_change(visit.words, account, state))


async def ask_stop_renewal(_query: CallbackQuery, callback_data: AskStopRenewal, visit: Visit) -> None:
    """Ask first: what the bot has ended, Telegram does not let the person take up again. Others are not asked."""
    account, words = visit.account, visit.words
    if callback_data.user != account.id:
        return
    if account.plus_until is None:
        await visit.say(words.html("renewal-none"))
        return
    text = words.html("renewal-ask", until=_day(words, account.plus_until))
    await visit.say(text, keyboards.confirm_stop(words, account.id))


async def stop_renewal(_query: CallbackQuery, callback_data: StopRenewal, visit: Visit) -> None:
    """End the subscription; what is paid for stays. Somebody else was offered this: not worth a message."""
    account, words = visit.account, visit.words
    if callback_data.user != account.id:
        return
    match await visit.services.cashier.stop_renewal(account.id):
        case Renewal.ENDED:
            text = _change(words, account, "canceled")
        case Renewal.REFUSED:
            text = words.html("renewal-refused")
        case Renewal.NONE:
            text = words.html("renewal-none")
    await visit.say(text)


async def paysupport(_message: Message, visit: Visit) -> None:
    """Help with payments: what was paid, by the ids a refund is asked for with, which are nobody else's to see."""
    services, words = visit.services, visit.words
    async with services.sessions() as session:
        payments = await services.payments.of(session, visit.account.id)
    lines = [words.html("paysupport", support=services.settings.support or "nobody")]
    if visit.to.chat_id != visit.account.id:
        lines.append(words.html("paysupport-in-private"))
        payments = []
    lines += [
        words.html("paysupport-payment", day=_day(words, payment.paid), stars=payment.stars, charge=payment.charge_id)
        for payment in payments[:10]
    ]
    await visit.say("\n".join(lines))


def _change(words: Words, account: Account, state: str) -> str:
    """How a subscription goes on. A cancellation can be heard of before the payment that says until when."""
    if state == "canceled" and account.plus_until is None:
        return words.html("subscription-ends")
    return words.html(f"subscription-{state}", until=_day(words, account.plus_until or 0.0))


def _thanks(words: Words, receipt: Receipt) -> str:
    if receipt.unmatched:
        return words.html("paid-unmatched")
    if receipt.credits:
        text = words.html("paid-credits", credits=receipt.credits)
        return text + "\n" + words.html("paid-credits-owed", repaid=receipt.repaid) if receipt.repaid else text
    return words.html("paid-plus", until=_day(words, receipt.plus_until or time.time()))


def _day(words: Words, moment: float) -> str:
    """A date (plain text)."""
    date = datetime.fromtimestamp(moment, UTC)
    # As texts: of numbers, languages make thousands.
    return words.plain("day", day=str(date.day), month=date.month, year=str(date.year))


def router() -> Router:
    router = Router(name="plans")
    router.message.register(paid, F.successful_payment)
    router.message.register(refunded, F.refunded_payment)
    router.pre_checkout_query.register(check)
    router.subscription.register(subscription)
    router.message.register(plans, F.text, CommandStart(deep_link=True, magic=F.args == SHOP))
    router.message.register(plans, F.text, Command("plans", "pay", ignore_case=True))
    router.message.register(paysupport, F.text, Command("paysupport", ignore_case=True))
    router.callback_query.register(plans, Open.filter(F.page == "plans"))
    router.callback_query.register(buy, Buy.filter())
    router.callback_query.register(ask_stop_renewal, AskStopRenewal.filter())
    router.callback_query.register(stop_renewal, StopRenewal.filter())
    return router
