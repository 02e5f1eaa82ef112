"""In groups, the bot minds its own business: commands, taps, replies to it and mentions of it, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.enums import ChatType, MessageEntityType
from aiogram.types import Message, TelegramObject, Update, User


class Addressing(BaseMiddleware):
    """Drops what is not meant for the bot, before anything about its sender is looked up or recorded."""

    def __init__(self, me: User) -> None:
        self._me = me

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        if isinstance(event, Update) and event.message is not None and not self._meant(event.message):
            return None
        data["me"] = self._me
        return await handler(event, data)

    def _meant(self, message: Message) -> bool:
        if message.from_user is None or message.from_user.is_bot:
            return False
        if message.chat.type == ChatType.PRIVATE:
            return True
        if message.successful_payment is not None or message.refunded_payment is not None:
            return True
        replied = message.reply_to_message
        if replied is not None and replied.from_user is not None and replied.from_user.id == self._me.id:
            return True
        return mentions(message, self._me)


def mentions(message: Message, me: User) -> bool:
    """Whether a text or caption speaks to the bot: ``@name``, or a command that names no other bot."""
    text = message.text or message.caption or ""
    name = f"@{me.username}".lower()
    for entity in message.entities or message.caption_entities or []:
        words = entity.extract_from(text).lower()
        if entity.type == MessageEntityType.MENTION and words == name:
            return True
        if entity.type == MessageEntityType.BOT_COMMAND and (words.endswith(name) or "@" not in words):
            return True
    return False
