"""The reception hands the dispatcher every update once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramRetryAfter
from aiogram.types import Update
from sqlalchemy.exc import SQLAlchemyError

from bot.conversation.replies import where_refused
from bot.delivery.messages import Flooded, Outgoing
from bot.intake.inbox import Admission
from bot.routers import plans
from bot.services import Services
from bot.updates.dispatcher import PASSING
from bot.updates.person import concerns_money
from serve_app.database import unreachable
from serve_app.duties import called_off

log = logging.getLogger(__name__)

RETRIES_S = (0.5, 1.0, 2.0, 4.0, 5.0)


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
        to, source = where_refused(update), update.message or update.callback_query
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
