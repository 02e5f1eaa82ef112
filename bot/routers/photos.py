"""Photos as they come in (one or an album, as photos or as files), and texts that say what to do with one."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import Document, Message, MessageOriginUser, PhotoSize, Update, User

from bot.conversation.attending import attend, serve
from bot.conversation.references import AboutAnswered, AboutKept, spoken
from bot.conversation.replies import bundle_address
from bot.conversation.visit import Visit
from bot.intake.photos import Incoming
from bot.intake.tables import Bundle
from deployments.errors import MasqueradeError, NotAnImage, TooLarge, Undecodable


class Forwarded(MasqueradeError):
    """The operator takes no forwarded photos."""

    slug, title, status = "forwarded", "Forwarded photos are not taken", 422


# A declared type is not believed, but a person who sends a film can be told so before it is downloaded.
HOPELESS = ("video/", "audio/", "text/", "application/pdf", "application/zip")


async def photo(message: Message, event_update: Update, bot: Bot, visit: Visit, me: User) -> None:
    """Keep a photo and ask what to do with it; an album is asked about when it is whole."""
    services = visit.services
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
        caption="" if _quoted(message) else spoken(message, me),
    )
    bundle = await services.photos.keep(visit.account, incoming)
    if bundle.due is None:
        await attend(services, visit.account, bundle)


async def kept(_message: Message, visit: Visit, bundle: Bundle, asked: str) -> None:
    """Do what a text asks for with photos that are here already."""
    if not await visit.services.photos.speak(bundle, asked):
        await serve(replace(visit, to=bundle_address(bundle)), bundle, asked)


def _quoted(message: Message) -> bool:
    """Whether a caption came along with somebody else's photo: it asks for nothing, whatever it says."""
    origin = message.forward_origin
    if isinstance(origin, MessageOriginUser) and message.from_user is not None:
        return origin.sender_user.id != message.from_user.id
    return origin is not None


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
        # The address of a file holds the bot's token, and what is chained ends in logs.
        raise OSError(f"the download broke off ({type(error).__name__})") from None
    return content.read() if content is not None else b""


def router() -> Router:
    router = Router(name="photos")
    # Telegram calls an animation a document as well.
    router.message.register(photo, F.photo | (F.document & ~F.animation))
    # Which photo a text speaks of: where it answers none, one that is kept already.
    router.message.register(photo, F.text, AboutAnswered())
    router.message.register(kept, F.text, AboutKept())
    return router
