"""What of a group's messages is meant for the bot: commands, taps, replies, mentions and albums with one of these."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.enums import ChatType
from aiogram.types import Message, TelegramObject, Update, User

from bot.conversation.replies import mentions
from bot.updates.albums import SpokenAlbums


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
        by_machine = message.from_user is None or (message.from_user.is_bot and message.sender_chat is None)
        # Telegram tells of refunds in the bot's own name.
        if by_machine and message.refunded_payment is None:
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
