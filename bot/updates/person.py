"""Who sent an update: middlewares that turn away groups and channels, open the account and keep floods out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import CallbackQuery, Chat, TelegramObject, Update, User

from bot.accounts.accounts import stranger
from bot.conversation.replies import acknowledge, in_groups, message_address, where
from bot.conversation.visit import Visit
from bot.delivery.messages import Address, NotSent, Outgoing
from bot.presentation.callbacks import DeleteAccount
from bot.services import Services
from serve_app.rates import Rate, Want

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

TELL = Rate(1 / 30, 1)
"""How often a chat in which somebody is not listened to is told why."""


class Anonymity(BaseMiddleware):
    """Turns away what was written as a group or a channel: no account could be charged for it, and nobody's could be deleted.

    Whoever takes the bot into a group as its anonymous administrator is told how it is spoken to there.
    """

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        message = event.message if isinstance(event, Update) else None
        if message is None or message.sender_chat is None:
            return await handler(event, data)
        services: Services = data["services"]
        # A channel's posts come into its group by themselves; whoever wrote them did not ask for anything.
        if not message.is_automatic_forward and not any(await services.buckets.take([_told(message.chat.id)])):
            words, taken_in = services.translations.words(None), message.new_chat_members or message.group_chat_created
            text = in_groups(words, data["me"]) if taken_in else words.html("anonymous")
            with contextlib.suppress(NotSent):
                await services.sender.send(message_address(message), Outgoing(text))
        return None


class Acquaintance(BaseMiddleware):
    """Opens the account, and gives the handlers the :class:`Visit` that an update is.

    Who types the bot's name in some other chat has not come to it yet, and gets no account by that.

    Banned people are turned away, except for money, which is always listened to. Whoever deletes their account by two
    taps is not taken in again by the second, nor by what Telegram says later of a refund or a subscription.
    """

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        user: User | None = data.get("event_from_user")
        if not isinstance(event, Update) or user is None:
            return None
        services: Services = data["services"]
        user = _payer(event) or user
        language = services.translations.best(user.language_code)
        leaving = _leaves(event, user)
        async with services.sessions.begin() as session:
            account = await services.accounts.get(session, user.id)
            if account is None and (_is_news(event) or event.inline_query is not None):
                account = stranger(user.id, language)
            elif leaving is None and not _is_news(event):
                # A renewal, too, has to be booked somewhere, but nobody came for it.
                account = await services.accounts.open(session, user.id, language, active=not _is_renewal(event))
        if account is None:
            if leaving is not None:
                await acknowledge(leaving, services.translations.words(language).plain("deleted-already"))
            return None
        if account.banned and not concerns_money(event):
            if event.callback_query is not None:
                await acknowledge(event.callback_query)
            if event.inline_query is not None:
                await event.inline_query.answer([], cache_time=0, is_personal=True)
            return None
        words, to = services.translations.words(account.language), where(event) or Address(user.id)
        data["visit"] = Visit(services, account, words, to, f"update:{event.update_id}")
        return await handler(event, data)


class Flood(BaseMiddleware):
    """Lets through what the token buckets of the person and the chat allow; says so now and then when they do not."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        if not isinstance(event, Update) or concerns_money(event):
            return await handler(event, data)
        services: Services = data["services"]
        user: User = data["event_from_user"]
        if event.inline_query is not None:
            wait = await services.gate.admit_inline(user.id)
            if wait == 0:
                return await handler(event, data)
            await event.inline_query.answer([], cache_time=math.ceil(wait), is_personal=True)
            return None
        chat: Chat | None = data.get("event_chat")
        album = event.message.media_group_id if event.message is not None else None
        wait = await services.gate.admit(user.id, chat.id if chat is not None else user.id, album)
        if wait == 0:
            return await handler(event, data)
        visit: Visit = data["visit"]
        if event.callback_query is not None:
            await acknowledge(event.callback_query, visit.words.plain("flood", seconds=math.ceil(wait)))
        elif event.message is not None and not any(await services.buckets.take([_told(event.message.chat.id)])):
            with contextlib.suppress(NotSent):
                await visit.say(visit.words.html("flood", seconds=math.ceil(wait)))
        return None


class PromptTaps(BaseMiddleware):
    """Answers taps before anything else is done about them, so that no button stays grey."""

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        if isinstance(event, Update) and event.callback_query is not None:
            await acknowledge(event.callback_query)
        return await handler(event, data)


def _told(chat_id: int) -> Want:
    return Want(f"told:{chat_id}", TELL)


def _leaves(update: Update, user: User) -> CallbackQuery | None:
    """The tap by which somebody says that everything of theirs is to be deleted; None when it is anything else."""
    query = update.callback_query
    return query if query is not None and query.data == DeleteAccount(user=user.id).pack() else None


def _is_news(update: Update) -> bool:
    """Whether Telegram says something of a person's money that they did not do here."""
    return update.subscription is not None or (
        update.message is not None and update.message.refunded_payment is not None
    )


def _payer(update: Update) -> User | None:
    """Who got their Stars back, where Telegram says so in the bot's name: it does in the payer's chat."""
    message = update.message
    if message is None or message.refunded_payment is None or message.from_user is None or not message.from_user.is_bot:
        return None
    return User(id=message.chat.id, is_bot=False, first_name=message.chat.first_name or "")


def _is_renewal(update: Update) -> bool:
    """Whether a subscription was charged for another month."""
    payment = update.message.successful_payment if update.message is not None else None
    return payment is not None and bool(payment.is_recurring) and not payment.is_first_recurring


def concerns_money(update: Update) -> bool:
    """Checkouts, payments, refunds and the lives of subscriptions."""
    message = update.message
    return (
        update.pre_checkout_query is not None
        or update.subscription is not None
        or (message is not None and (message.successful_payment is not None or message.refunded_payment is not None))
    )
