"""Photos come in, alone or as albums, as photos or as files; they are kept, and asked about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import aiohttp
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Filter
from aiogram.types import Message, Update, User

from bot.accounts.accounts import Account
from bot.conversation.attending import attend
from bot.intake.photos import Incoming
from bot.presentation.translations import Words
from bot.services import Services
from bot.updates.addressing import mentions
from deployments.errors import MasqueradeError, NotAnImage, TooLarge, Undecodable

if TYPE_CHECKING:
    from aiogram.types import Document, PhotoSize


class Forwarded(MasqueradeError):
    """The operator takes no forwarded photos."""

    slug, title, status = "forwarded", "Forwarded photos are not taken", 422


# A declared type is not believed, but a person who sends a film can be told so before it is downloaded.
HOPELESS = ("video/", "audio/", "text/", "application/pdf", "application/zip")


async def photo(
    message: Message,
    event_update: Update,
    bot: Bot,
    services: Services,
    account: Account,
    words: Words,
    me: User,
) -> None:
    """Keep a photo and ask what to do with it; an album is asked about when it is whole."""
    # A text that answers a photo speaks of that photo.
    shown = message if message.photo or message.document else message.reply_to_message or message
    if services.settings.forbid_forwarded and shown.forward_origin is not None:
        raise Forwarded("Forwarded photos are not taken here.")
    incoming = Incoming(
        update_id=event_update.update_id,
        chat_id=message.chat.id,
        message_id=message.message_id,
        data=await fetch(bot, shown, services.max_upload),
        thread_id=message.message_thread_id if message.is_topic_message else None,
        album=message.media_group_id,
        caption=spoken(message, me),
    )
    bundle = await services.photos.keep(account, incoming)
    if bundle.due is None:
        await attend(services, account, words, bundle)


def spoken(message: Message, me: User) -> str:
    """The caption without the bot's name in it."""
    name = re.escape(f"@{me.username}")
    return re.sub(rf"{name}\b", " ", message.caption or message.text or "", flags=re.IGNORECASE).strip()


async def fetch(bot: Bot, message: Message, max_bytes: int) -> bytes:
    """The bytes of a message's photo or file. Raises ``TooLarge``, ``NotAnImage`` or ``OSError`` (try again)."""
    file: PhotoSize | Document | None = message.photo[-1] if message.photo else message.document
    if file is None:
        raise NotAnImage("There is no picture in this message.")
    declared = getattr(file, "mime_type", None) or ""
    if declared.startswith(HOPELESS):
        raise NotAnImage("This file is not a picture.")
    too_large = TooLarge(f"The file is larger than {max_bytes // 2**20} MB.", megabytes=max_bytes // 2**20)
    if (file.file_size or 0) > max_bytes:
        raise too_large
    try:
        content = await bot.download(file)
    except TelegramBadRequest as error:
        if "too big" in error.message:
            raise too_large from error
        # Telegram lost it, or does not have it yet.
        raise Undecodable("Telegram does not hand this file out.") from error
    except (TimeoutError, aiohttp.ClientError) as error:
        raise OSError("the download broke off") from error
    return content.read() if content is not None else b""


class Asks(Filter):
    """A text calls the bot by its name, or asks in private for what captions ask for."""

    async def __call__(self, message: Message, services: Services, me: User) -> bool:
        if mentions(message, me):
            return True
        return message.chat.type == "private" and await services.captions.understand(message.text or "") is not None


def router() -> Router:
    router = Router(name="photos")
    # Telegram calls an animation a document as well.
    router.message.register(photo, F.photo | (F.document & ~F.animation))
    replied = F.reply_to_message
    answered = replied.photo | (replied.document & ~replied.animation)
    router.message.register(photo, F.text, answered, Asks())
    return router
