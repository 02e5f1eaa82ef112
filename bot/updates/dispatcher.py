"""The one Dispatcher both modes use: every router, every middleware, and words for what goes wrong in them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from aiogram import Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
)
from aiogram.types import ErrorEvent, User
from sqlalchemy.exc import SQLAlchemyError

from bot.accounts import events
from bot.accounts.accounts import holds
from bot.accounts.events import EventKind
from bot.accounts.identities import UnknownIdentity
from bot.conversation.replies import where_refused
from bot.conversation.visit import Visit
from bot.delivery.messages import NoPictures, NotSent, Rejected, Unreachable
from bot.presentation.answers import refusal
from bot.routers import (
    account,
    admin,
    artworks,
    authenticity,
    faces,
    fallback,
    hide,
    inline,
    lookalike,
    menu,
    paint,
    photos,
    plans,
    swap,
)
from bot.services import Services
from bot.updates.addressing import Addressing
from bot.updates.albums import SpokenAlbums
from bot.updates.person import Acquaintance, Anonymity, Flood, PromptTaps, concerns_money
from deployments.errors import Expired, MasqueradeError

log = logging.getLogger(__name__)

# The offers, which one kind of start leads to, come before the menu, which takes every other.
ROUTERS = (
    plans,
    menu,
    account,
    admin,
    inline,
    faces,
    photos,
    paint,
    lookalike,
    hide,
    swap,
    artworks,
    authenticity,
    fallback,
)

# Trying the same update again later may succeed after these.
PASSING = (OSError, SQLAlchemyError, NotSent, TelegramAPIError, asyncio.TimeoutError)
# ... and never after these, where there is nobody to tell (any more: a group that became a supergroup has another number),
NOBODY_THERE = (Unreachable, TelegramForbiddenError, TelegramMigrateToChat)
# ... or Telegram does not take what was said.
NOT_TAKEN = (Rejected, TelegramBadRequest, TelegramNotFound)
# In a bad request's words: it came too late, is about what was deleted meanwhile, or says what is there already.
OVER = ("query is too old", "message to edit not found", "message is not modified")

# What is raised also about what belongs to somebody else.
NOT_THEIRS = (Expired, UnknownIdentity)


class PicturesForbidden(MasqueradeError):
    """What was to be shown is a picture, in a group that lets nobody send any."""

    slug, title, status = "no-pictures", "This group lets nobody send pictures", 403


def make_dispatcher(services: Services, me: User, albums: SpokenAlbums) -> Dispatcher:
    """Every router and every middleware, for the bot that ``me`` is."""
    dispatcher = Dispatcher(disable_fsm=True)
    dispatcher["services"] = services
    for middleware in (Addressing(me, albums), Anonymity(), Acquaintance(), Flood(), PromptTaps()):
        dispatcher.update.outer_middleware(middleware)
    dispatcher.errors.register(_on_error)
    for module in ROUTERS:
        dispatcher.include_router(module.router())
    return dispatcher


async def _on_error(event: ErrorEvent, services: Services, visit: Visit | None = None) -> Any:
    """Say what went wrong in words; leave to redelivery what may go better another time."""
    error = event.exception
    if isinstance(error, NOBODY_THERE) or _is_over(error):
        log.info("an answer was not taken: %s", error)
        return True
    if isinstance(error, NoPictures):
        error = PicturesForbidden("This group lets nobody send pictures.")
    refused = isinstance(error, NOT_TAKEN)
    if not refused and (isinstance(error, PASSING) or concerns_money(event.update)):
        return UNHANDLED
    if not isinstance(error, MasqueradeError):
        log.error("Telegram does not take an answer" if refused else "a handler broke", exc_info=error)
        error = MasqueradeError("This is our fault, not yours.")
    if concerns_money(event.update):
        # It is booked, and only thanks were refused: whoever is told to try again might pay again.
        return True
    to = where_refused(event.update)
    if visit is None or to is None or (isinstance(error, NOT_THEIRS) and to.chat_id < 0):
        # In a group, other people's buttons are there for everybody to tap, and not worth a message.
        return True
    async with services.sessions.begin() as session:
        # Whoever had everything deleted meanwhile leaves no trace by what came too late.
        if await holds(session, visit.account.id):
            events.record(session, visit.account.id, EventKind.REFUSED, time.time(), error.slug)
    try:
        await services.sender.send(to, refusal(visit.words, error, services.settings.tariff, visit.account))
    except NotSent as lost:
        log.info("an explanation was not taken: %s", lost)
    return True


def _is_over(error: Exception) -> bool:
    """Whether there is nothing left to answer, which is nobody's fault."""
    return isinstance(error, NOT_TAKEN) and any(words in str(error).lower() for words in OVER)
