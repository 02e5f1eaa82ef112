"""Where an update came from, and how to answer there."""

from __future__ import annotations

import contextlib

from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, Message, User

from bot.delivery.messages import Address
from bot.presentation.translations import Words


def address(message: Message) -> Address:
    """The chat and topic of a message; in groups, in reply to it."""
    thread = message.message_thread_id if message.is_topic_message else None
    private = message.chat.type == "private"
    return Address(message.chat.id, thread, None if private else message.message_id)


def beside(query: CallbackQuery) -> Address:
    """Where the tapped message stands, or the private chat when it stands nowhere the bot can see."""
    if query.message is None:
        return Address(query.from_user.id)
    thread = None
    if isinstance(query.message, Message) and query.message.is_topic_message:
        thread = query.message.message_thread_id
    return Address(query.message.chat.id, thread)


def in_groups(words: Words, me: User) -> str:
    """How the bot is spoken to in groups (HTML): with Telegram's privacy mode on, mentions do not reach it."""
    mentions = "yes" if me.can_read_all_group_messages else "no"
    return words.html("help-groups", name=me.username or "", mentions=mentions)


async def acknowledge(query: CallbackQuery, text: str | None = None) -> None:
    """Answer a tap; one that is too old to be answered is fine."""
    with contextlib.suppress(TelegramBadRequest):
        await query.answer(text)
