"""In groups, the bot minds its own business: commands, taps, replies, mentions and albums with one of these."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.enums import ChatType, MessageEntityType
from aiogram.types import Message, TelegramObject, Update, User

from bot.updates.albums import SpokenAlbums

COMMANDS = frozenset({
    "start", "help", "language", "settings", "faces", "privacy", "terms", "delete", "plans", "pay", "paysupport",
})  # fmt: skip
"""What may be said to the bot in groups, where other bots have commands of their own."""


class Addressing(BaseMiddleware):
    """Drops what is not meant for the bot, before anything about its sender is looked up or recorded."""

    def __init__(self, me: User, albums: SpokenAlbums) -> None:
        self._me = me
        self._albums = albums

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        data["me"] = self._me
        handle = functools.partial(handler, event, data)
        message = event.message if isinstance(event, Update) else None
        if message is None:
            return await handle()
        if message.from_user is None or (message.from_user.is_bot and message.sender_chat is None):
            return None
        meant = self._meant(message)
        if message.media_group_id is not None and message.chat.type != ChatType.PRIVATE:
            return await (self._albums.spoken if meant else self._albums.silent)(message, handle)
        return await handle() if meant else None

    def _meant(self, message: Message) -> bool:
        if message.chat.type == ChatType.PRIVATE:
            return True
        if message.successful_payment is not None or message.refunded_payment is not None:
            return True
        if message.group_chat_created or any(member.id == self._me.id for member in message.new_chat_members or ()):
            return True
        replied = message.reply_to_message
        if replied is not None and replied.from_user is not None and replied.from_user.id == self._me.id:
            return True
        return mentions(message, self._me)


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
