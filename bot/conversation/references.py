"""Which photo a text speaks of: the one it answers, the one that an answered question is about, or the one sent last."""

from __future__ import annotations

import re
from typing import Any

from aiogram.filters import Filter
from aiogram.types import Message, Update, User

from bot.conversation.replies import mentions
from bot.conversation.visit import Visit
from bot.delivery import archive
from bot.presentation.callbacks import photos_behind, repeats
from bot.services import Services
from deployments.errors import Expired


class AboutAnswered(Filter):
    """A text answers a picture, and calls the bot by its name or asks (in private) for what captions ask for."""

    async def __call__(self, message: Message, services: Services, me: User) -> bool:
        shown = message.reply_to_message
        if shown is None or not _pictured(shown) or await _only_shows(shown, services, me):
            return False
        return mentions(message, me) or (message.chat.type == "private" and await _asks(message, services, me))


class AboutKept(Filter):
    """A text asks for what captions ask for, and there is a photo of its sender's that it speaks of.

    Gives the handler the ``bundle`` and what was ``asked``. In groups the text has to call the bot by its name, and to
    answer the question about the photo. Raises ``TimeoutError`` while a photo that came before is not taken in.
    """

    async def __call__(self, message: Message, event_update: Update, visit: Visit, me: User) -> bool | dict[str, Any]:
        services, user_id = visit.services, visit.account.id
        private = message.chat.type == "private"
        if not (private or mentions(message, me)) or not await _asks(message, services, me):
            return False
        bundle_id = _asked_about(message.reply_to_message, me)
        if bundle_id is not None:
            try:
                bundle, _ = await services.photos.bundle(bundle_id, user_id)
            except Expired:
                return False
            return {"bundle": bundle, "asked": spoken(message, me)}
        if not private:
            return False
        # It may speak of a photo that is on its way still; an earlier one would be the wrong one.
        await services.photos.settled(message.chat.id, event_update.update_id)
        if await services.waiting.holds_photo(user_id, event_update.update_id):
            raise TimeoutError("a photo that was sent before is still to be taken in")
        latest = await services.photos.latest(user_id, message.chat.id)
        return {"bundle": latest, "asked": spoken(message, me)} if latest is not None else False


def spoken(message: Message, me: User) -> str:
    """A text or caption without the bot's name in it."""
    name = re.escape(f"@{me.username}")
    return re.sub(rf"{name}\b", " ", message.caption or message.text or "", flags=re.IGNORECASE).strip()


async def _asks(message: Message, services: Services, me: User) -> bool:
    return await services.captions.understand(spoken(message, me)) is not None


def _pictured(message: Message) -> bool:
    """Telegram calls an animation a document as well."""
    return bool(message.photo or (message.document and not message.animation))


async def _only_shows(picture: Message, services: Services, me: User) -> bool:
    """Whether a picture is one of ours that nobody wants painted: a style's preview, a work of art, numbered faces."""
    if not _ours(picture, me):
        return False
    if _asked_about(picture, me) is not None:
        return True
    if picture.media_group_id is None or picture.chat.type != "private":
        return False
    async with services.sessions() as session:
        return not await archive.delivered(session, picture.chat.id, picture.message_id)


def _asked_about(question: Message | None, me: User) -> int | None:
    """The bundle that a question of ours is about. The buttons under a result speak of the result."""
    if question is None or not _ours(question, me) or question.reply_markup is None:
        return None
    buttons = [button.callback_data or "" for row in question.reply_markup.inline_keyboard for button in row]
    if any(repeats(data) for data in buttons):
        return None
    found = (photos_behind(data) for data in buttons)
    return next((bundle for bundle in found if bundle is not None), None)


def _ours(message: Message, me: User) -> bool:
    return message.from_user is not None and message.from_user.id == me.id
