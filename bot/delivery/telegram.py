"""The :class:`Sender` over aiogram's Bot: what to call, and what Telegram's refusals mean."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiogram import Bot
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
)
from aiogram.types import (
    BufferedInputFile,
    InputMediaDocument,
    InputMediaPhoto,
    Message,
    ReplyParameters,
)
from PIL import Image, UnidentifiedImageError

from bot.delivery.messages import (
    Action,
    Address,
    Attachment,
    Flooded,
    NoPictures,
    NotSent,
    Outgoing,
    Rejected,
    Sent,
    Uncertain,
    Unreachable,
)

MAX_PHOTO_BYTES = 10 * 2**20
MAX_PHOTO_SIDES = 10_000
MAX_PHOTO_RATIO = 20

# What 400 says when there is nobody to send to, in the server's words.
NOBODY = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "group chat was deactivated",
    "group is deactivated",
    "chat_write_forbidden",
    "not enough rights",
    "have no rights to send",
    "need administrator rights",
    "topic_closed",
    "topic_deleted",
)
# A group's permissions name each kind of thing; where there are none for words either, there is nobody to tell.
NO_PICTURES = re.compile(r"not enough rights to send (photos|documents|media)|chat_send_(photos|docs|media)_forbidden")
NOT_A_PHOTO = ("photo_invalid_dimensions", "image_process_failed", "photo_save_file_invalid", "photo_ext_invalid")
NO_TOPIC = "message thread not found"


class BotSender:
    """Sends through a Bot whose session obeys the limits (:class:`bot.delivery.outbound.Outbound`)."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def send(self, to: Address, message: Outgoing) -> Sent:
        """Raises :class:`NotSent`. Pictures that Telegram does not take as photos go as files."""
        if not message.as_file and not all(fits_photo(picture) for picture in message.pictures):
            message = replace(message, as_file=True)
        try:
            async with in_our_words():
                return await self._send(to, message)
        except Rejected as error:
            reason = str(error).lower()
            if to.thread_id is not None and NO_TOPIC in reason:
                return await self.send(replace(to, thread_id=None), message)
            if not message.as_file and any(words in reason for words in NOT_A_PHOTO):
                return await self.send(to, replace(message, as_file=True))
            raise
        except _Moved as moved:
            return await self.send(replace(to, chat_id=moved.chat_id, thread_id=None, reply_to=None), message)

    async def edit(self, chat_id: int, message_id: int, message: Outgoing) -> None:
        """Raises :class:`NotSent`, though not when the message is gone, cannot be edited or says this already.

        Where a group moved to, it has no messages from before.
        """
        with contextlib.suppress(Rejected, _Moved):
            async with in_our_words():
                await self._bot.edit_message_text(
                    message.text,
                    chat_id=chat_id,
                    message_id=message_id,
                    reply_markup=message.keyboard,
                    parse_mode=ParseMode.HTML,
                )

    async def remove(self, chat_id: int, message_id: int) -> None:
        with contextlib.suppress(NotSent):
            async with in_our_words():
                await self._bot.delete_message(chat_id, message_id)

    async def act(self, to: Address, action: Action) -> None:
        with contextlib.suppress(NotSent):
            async with in_our_words():
                await self._bot.send_chat_action(to.chat_id, action, message_thread_id=to.thread_id)

    async def _send(self, to: Address, message: Outgoing) -> Sent:
        reply = None
        if to.reply_to is not None:
            reply = ReplyParameters(message_id=to.reply_to, allow_sending_without_reply=True)
        if not message.pictures:
            sent = await self._bot.send_message(
                to.chat_id,
                message.text,
                message_thread_id=to.thread_id,
                reply_parameters=reply,
                reply_markup=message.keyboard,
                parse_mode=ParseMode.HTML,
            )
            return Sent((sent.message_id,))
        if len(message.pictures) == 1:
            return _sent([await self._send_picture(to, message, reply)])
        make = InputMediaDocument if message.as_file else InputMediaPhoto
        captions = [message.text, *[None] * (len(message.pictures) - 1)]
        media = [
            make(media=_file(picture), caption=caption, parse_mode=ParseMode.HTML)
            for picture, caption in zip(message.pictures, captions, strict=True)
        ]
        album = await self._bot.send_media_group(
            to.chat_id, [*media], message_thread_id=to.thread_id, reply_parameters=reply
        )
        return _sent(album)

    async def _send_picture(self, to: Address, message: Outgoing, reply: ReplyParameters | None) -> Message:
        file = _file(message.pictures[0])
        if message.as_file:
            return await self._bot.send_document(
                to.chat_id,
                file,
                caption=message.text,
                # Telegram would otherwise turn some files into what it thinks they are.
                disable_content_type_detection=True,
                message_thread_id=to.thread_id,
                reply_parameters=reply,
                reply_markup=message.keyboard,
                parse_mode=ParseMode.HTML,
            )
        return await self._bot.send_photo(
            to.chat_id,
            file,
            caption=message.text,
            message_thread_id=to.thread_id,
            reply_parameters=reply,
            reply_markup=message.keyboard,
            parse_mode=ParseMode.HTML,
        )


class _Moved(NotSent):
    """The group became a supergroup with another id."""

    def __init__(self, chat_id: int) -> None:
        super().__init__("the group has moved")
        self.chat_id = chat_id


@asynccontextmanager
async def in_our_words() -> AsyncIterator[None]:
    """Raise what Telegram refuses in this block as :class:`NotSent`."""
    try:
        yield
    except TelegramRetryAfter as error:
        raise Flooded(error.retry_after) from error
    except TelegramMigrateToChat as error:
        raise _Moved(error.migrate_to_chat_id) from error
    except TelegramForbiddenError as error:
        raise Unreachable(error.message) from error
    except (TelegramBadRequest, TelegramNotFound, TelegramEntityTooLarge) as error:
        reason = error.message.lower()
        if NO_PICTURES.search(reason):
            raise NoPictures(error.message) from error
        raise (Unreachable if any(words in reason for words in NOBODY) else Rejected)(error.message) from error
    except AiogramError as error:
        raise Uncertain(str(error)) from error


def fits_photo(picture: Attachment) -> bool:
    """Whether Telegram takes these bytes as a photo: 10 MB, sides of 10,000 together, at most 20 times as long as wide."""
    if picture.file_id is not None:
        return True
    try:
        with Image.open(io.BytesIO(picture.data), formats=("JPEG", "PNG", "WEBP")) as image:
            width, height = image.size
    except UnidentifiedImageError:
        return False
    ratio = max(width, height) / min(width, height)
    return len(picture.data) <= MAX_PHOTO_BYTES and width + height <= MAX_PHOTO_SIDES and ratio <= MAX_PHOTO_RATIO


def _file(picture: Attachment) -> BufferedInputFile | str:
    return picture.file_id or BufferedInputFile(picture.data, picture.name)


def _sent(messages: list[Message]) -> Sent:
    files = [message.photo[-1].file_id if message.photo else _document(message) for message in messages]
    as_file = any(message.document is not None for message in messages)
    return Sent(tuple(message.message_id for message in messages), tuple(files), as_file)


def _document(message: Message) -> str:
    if message.document is None:
        raise Uncertain("Telegram answered with a message that holds no picture")
    return message.document.file_id
