"""Whom a message speaks to, where an update came from, and how to answer there."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from aiogram.enums import MessageEntityType
from aiogram.exceptions import TelegramBadRequest, TelegramRetryAfter
from aiogram.types import CallbackQuery, Message, Update, User

from bot.conversation.visit import Visit
from bot.delivery.messages import Address, Outgoing
from bot.intake.tables import Bundle
from bot.presentation.translations import Words

COMMANDS = frozenset({
    "start", "help", "language", "settings", "faces", "privacy", "terms", "delete", "plans", "pay", "paysupport",
})  # fmt: skip
"""What may be said to the bot in groups, where other bots have commands of their own."""


def mentions(message: Message, me: User) -> bool:
    """Whether a text or caption speaks to the bot: ``@name``, a command to it, or one of its own that it begins with."""
    text = message.text or message.caption or ""
    name = f"@{me.username}".lower()
    for entity in message.entities or message.caption_entities or []:
        words = entity.extract_from(text).lower()
        if entity.type == MessageEntityType.MENTION and words == name:
            return True
        ours = words.endswith(name) or (entity.offset == 0 and words[1:] in COMMANDS)
        if entity.type == MessageEntityType.BOT_COMMAND and ours:
            return True
    return False


def where(update: Update) -> Address | None:
    """Where an update is answered; None for what stands in no chat."""
    if update.message is not None:
        return message_address(update.message)
    if update.callback_query is not None:
        return _tap_address(update.callback_query)
    return None


def where_refused(update: Update) -> Address | None:
    """Where to say what went wrong. Of several photos, only some may be refused: each answer shows which."""
    to, message = where(update), update.message
    if to is not None and message is not None and (message.photo or message.document):
        return replace(to, reply_to=message.message_id)
    return to


def message_address(message: Message) -> Address:
    """The chat and topic of a message; in groups, in reply to it."""
    thread = message.message_thread_id if message.is_topic_message else None
    private = message.chat.type == "private"
    return Address(message.chat.id, thread, None if private else message.message_id)


def bundle_address(bundle: Bundle) -> Address:
    """The chat and topic of a bundle's photos; in reply to the first."""
    return Address(bundle.chat_id, bundle.thread_id, bundle.message_id)


def _tap_address(query: CallbackQuery) -> Address:
    """Where the tapped message stands, or the private chat when it stands nowhere the bot can see."""
    if query.message is None:
        return Address(query.from_user.id)
    thread = None
    if isinstance(query.message, Message) and query.message.is_topic_message:
        thread = query.message.message_thread_id
    return Address(query.message.chat.id, thread)


def in_groups(words: Words, me: User) -> str:
    """How the bot is spoken to in groups (HTML): with Telegram's privacy mode on, mentions do not reach it."""
    heard = "yes" if me.can_read_all_group_messages else "no"
    return words.html("help-groups", name=me.username or "", mentions=heard)


async def acknowledge(query: CallbackQuery, text: str | None = None) -> None:
    """Answer a tap; that it is too old, or that Telegram wants a pause of such answers, is fine."""
    with contextlib.suppress(TelegramBadRequest, TelegramRetryAfter):
        await query.answer(text)


async def rewrite(query: CallbackQuery, visit: Visit, message: Outgoing) -> None:
    """Put a text in the place of the tapped one; say it anew where that is gone, or too old to be shown to bots."""
    tapped = query.message
    if isinstance(tapped, Message):
        await visit.services.sender.edit(tapped.chat.id, tapped.message_id, message)
    else:
        await visit.answer(message)
