"""The one Dispatcher both modes use, and the reception that hands it every update once."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.enums import ChatType
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramRetryAfter,
)
from aiogram.types import ErrorEvent, Update, User
from sqlalchemy.exc import SQLAlchemyError

from bot.accounts import events
from bot.accounts.accounts import holds
from bot.accounts.events import EventKind
from bot.accounts.identities import UnknownIdentity
from bot.conversation.replies import where
from bot.conversation.visit import Visit
from bot.delivery.messages import Address, Flooded, NoPictures, NotSent, Outgoing, Rejected, Unreachable
from bot.intake.inbox import Admission
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
from serve_app.database import unreachable
from serve_app.duties import called_off

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
# In a bad request's words: it came too late, or says what is there already.
OVER = ("query is too old", "message is not modified")

RETRIES_S = (0.5, 1.0, 2.0, 4.0, 5.0)

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


class Outcome(Enum):
    """``HANDLED``: acknowledge it. ``FAILED`` and ``WAITING``: it has to come again.

    What failed may be to blame itself. What waits is not: somebody else is at it, there is no database to work with,
    Telegram wants a pause, or it is about money, which is given up only for a fault of ours.
    """

    HANDLED = auto()
    FAILED = auto()
    WAITING = auto()


@dataclass(frozen=True, slots=True)
class Received:
    """What became of an update, and for how many seconds Telegram wants no more of what it needs."""

    outcome: Outcome
    pause_s: float = 0.0

    def again_in(self, failures: int) -> float:
        """Seconds until it is tried again: soon after its first ``failures``, now and then while it cannot be tried."""
        at = min(failures, len(RETRIES_S)) - 1 if self.outcome is Outcome.FAILED else -1
        return max(RETRIES_S[at], self.pause_s)


class Reception:
    """Handles updates, each to its end before it is acknowledged, and none twice."""

    def __init__(self, services: Services, dispatcher: Dispatcher, bot: Bot) -> None:
        self._services = services
        self._inbox = services.inbox
        self._dispatcher = dispatcher
        self._bot = bot

    @property
    def kinds(self) -> list[str]:
        """The kinds of update there is a handler for: Telegram's ``allowed_updates``."""
        return self._dispatcher.resolve_used_update_types()

    async def receive(self, update: Update) -> Received:
        """Handle an update, if it is to be handled now."""
        message = update.message
        if message is None or message.chat.type != ChatType.PRIVATE or not (message.photo or message.document):
            return await self._receive(update)
        with self._services.photos.coming(message.chat.id, update.update_id) as taken:
            received = await self._receive(update)
            taken.set_result(received.outcome is Outcome.HANDLED)
        return received

    async def _receive(self, update: Update) -> Received:
        try:
            admission = await self._inbox.admit(update.update_id)
        except (OSError, SQLAlchemyError):
            log.exception("the database is out of reach; update %s has to come again", update.update_id)
            return Received(Outcome.WAITING)
        if admission is not Admission.NEW:
            return Received(Outcome.HANDLED if admission is Admission.DONE else Outcome.WAITING)
        try:
            async with self._inbox.in_hand(update.update_id):
                await self._dispatcher.feed_update(self._bot, update)
                await self._inbox.done(update.update_id)
        except PASSING as error:
            log.warning("update %s has to come again: %s", update.update_id, error)
            await self._again(update.update_id)
            if isinstance(error, TelegramRetryAfter | Flooded):
                return Received(Outcome.WAITING, error.retry_after)
            patient = unreachable(error) or concerns_money(update)
            return Received(Outcome.WAITING if patient else Outcome.FAILED)
        except asyncio.CancelledError:
            await self._again(update.update_id)
            raise
        except Exception:
            if concerns_money(update):
                # Perhaps the payer was having their account deleted: there is something to book once that is over.
                log.exception("update %s, about money, broke the bot and has to come again", update.update_id)
                await self._again(update.update_id)
                return Received(Outcome.FAILED)
            # It would break every time: better one update lost, loudly, than all that come after it.
            log.exception("update %s broke the bot and is dropped", update.update_id)
        return Received(Outcome.HANDLED)

    async def put_aside(self, update: Update, body: dict[str, Any], received: Received) -> None:
        """Keep an update, which Telegram gave as ``body``, until it is due again: it may be acknowledged then."""
        source = update.message or update.callback_query or update.inline_query or update.pre_checkout_query
        sender = source.from_user if source is not None else None
        failures = int(received.outcome is Outcome.FAILED)
        await self._services.waiting.put(
            body,
            sender.id if sender is not None else None,
            money=concerns_money(update),
            pause_s=received.again_in(failures),
            failures=failures,
        )

    async def give_up(self, update: Update) -> None:
        """Tell whoever sent an update in private that it comes to nothing. In groups, not all of them mean the bot.

        A payment is left to the operators; one that was booked all the same is none that came to nothing.
        """
        to, source = _where(update), update.message or update.callback_query
        user = source.from_user if source is not None else None
        # A private chat has the number of its person, in whoever's name Telegram speaks there.
        if to is None or to.chat_id < 0 or user is None:
            return
        message, services = update.message, self._services
        paid = message is not None and message.successful_payment is not None
        try:
            if message is not None and paid and not await plans.set_aside(services, message):
                return
            async with services.sessions() as session:
                account = await services.accounts.get(session, to.chat_id)
            words = services.translations.words(account.language if account is not None else user.language_code)
            await services.sender.send(to, Outgoing(words.html("paid-unmatched" if paid else "error-internal")))
        except Exception as error:  # Whatever failed all the time may fail now, too.
            if called_off():
                raise asyncio.CancelledError from error
            log.warning("nobody could be told that update %s is given up", update.update_id, exc_info=True)

    async def _again(self, update_id: int) -> None:
        try:
            await self._inbox.again(update_id)
        except (OSError, SQLAlchemyError):
            # Its lease runs out by itself.
            log.warning("update %s stays leased for a while", update_id)


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
    to = _where(event.update)
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


def _where(update: Update) -> Address | None:
    """Where to say what went wrong. Of several photos, only some may be refused: each answer shows which."""
    to, message = where(update), update.message
    if to is not None and message is not None and (message.photo or message.document):
        return replace(to, reply_to=message.message_id)
    return to
