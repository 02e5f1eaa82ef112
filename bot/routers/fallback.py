"""What no other router takes: the person is told what the bot works with."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Message, User

from bot.conversation.replies import in_groups, mentions
from bot.conversation.visit import Visit
from bot.presentation import keyboards
from bot.services import Services
from serve_app.rates import Rate, Want

KINDS = ("video", "animation", "video_note", "sticker", "voice", "audio", "text")

ONCE = Rate(1 / 60, 1)
"""An album's parts come within seconds."""

# What people send. Everything else is what Telegram says about a chat: a new background, a pinned message, a new title.
SENT = frozenset({
    ContentType.TEXT, ContentType.RICH_MESSAGE, ContentType.ANIMATION, ContentType.AUDIO, ContentType.DOCUMENT,
    ContentType.PHOTO, ContentType.LIVE_PHOTO, ContentType.PAID_MEDIA, ContentType.STICKER, ContentType.STORY,
    ContentType.VIDEO, ContentType.VIDEO_NOTE, ContentType.VOICE, ContentType.CHECKLIST, ContentType.CONTACT,
    ContentType.DICE, ContentType.GAME, ContentType.POLL, ContentType.VENUE, ContentType.LOCATION, ContentType.INVOICE,
    ContentType.UNKNOWN,
})  # fmt: skip


async def service(message: Message) -> None:
    """Nothing to say."""


async def anything(message: Message, visit: Visit, me: User) -> None:
    """Say what kind of thing this is not. What a group says of our messages, or to other bots, is not said to us."""
    if message.chat.type != "private" and not message.video and not mentions(message, me):
        return
    if message.media_group_id is not None and await _said_of_album(message, visit.services):
        return
    kind = next((kind for kind in KINDS if getattr(message, kind, None) is not None), "other")
    text = visit.words.html(f"not-taken-{kind}")
    if message.chat.type == "private":
        await visit.say(text, keyboards.pages(visit.words, "help"))
    else:
        await visit.say(f"{text}\n{in_groups(visit.words, me)}")


async def _said_of_album(message: Message, services: Services) -> bool:
    """Whether it was said already: the parts of an album come as messages of their own."""
    album = Want(f"told:{message.chat.id}:{message.media_group_id}", ONCE)
    return any(await services.buckets.take([album]))


async def dead_button(_query: CallbackQuery, visit: Visit) -> None:
    """A button of an older version, or data that nobody's button holds."""
    await visit.say(visit.words.html("button-dead"), keyboards.pages(visit.words, "help"))


def router() -> Router:
    router = Router(name="fallback")
    router.message.register(service, ~F.content_type.in_(SENT))
    router.message.register(anything)
    router.callback_query.register(dead_button)
    return router
