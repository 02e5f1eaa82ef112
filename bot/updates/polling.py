"""Long polling: one process asks Telegram for updates, and acknowledges each when it was handled, or put aside."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramConflictError
from aiogram.methods import TelegramMethod
from aiogram.types import Update
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from bot.updates.person import concerns_money
from bot.updates.reception import Outcome, Received, Reception
from serve_app.duties import beside, called_off

log = logging.getLogger(__name__)

WAIT_S = 25
SAME_AGAIN_S = 0.6
"""Whoever asks for the same offset again within half a second is given one update: one that is in hand already."""
UNANSWERED = (AiogramError, OSError, TimeoutError)
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)

# Telegram gives a hundred updates from the oldest unacknowledged one on: a few that took long would make the bot deaf.
LONG_S = 5.0
MOST_HANDS = 200
"""Tasks that are at it, however long they take. Who brings more than can be handled waits at Telegram's."""

T = TypeVar("T")


class GetUpdates(TelegramMethod[list[dict[str, Any]]]):
    """The Bot API's ``getUpdates``, answered as it came: aiogram's own refuses all updates for one it cannot read."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int
    timeout: int
    limit: int = 100
    allowed_updates: list[str] | None = None


class Poller:
    """Fetches updates and hands them to the reception, many at a time.

    Asking for updates from the oldest one in hand on is what acknowledges those before it. What takes long or has to come
    again is put aside first, and handled from there. A crash thus loses none: what was in hand comes again.
    """

    def __init__(self, bot: Bot, reception: Reception, *, drain_s: float) -> None:
        self._bot = bot
        self._reception = reception
        self._drain_s = drain_s
        self._hands: dict[int, asyncio.Task[None]] = {}
        self._unhandled: set[int] = set()
        self._next = self._asked = 0

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Poll until cancelled; updates in hand then have ``drain_s`` to be finished. ``ready``: it listens now."""
        try:
            await self._persist(self._bot.delete_webhook)
            ready()
            await self._poll()
        finally:
            if self._hands:
                _, late = await asyncio.wait(self._hands.values(), timeout=self._drain_s)
                for hand in late:
                    hand.cancel()
                await asyncio.gather(*self._hands.values(), return_exceptions=True)
            await self._acknowledge()

    async def _poll(self) -> None:
        while True:
            offset, asked = self._oldest(), time.monotonic()
            bodies = await self._persist(functools.partial(self._ask, offset))
            fresh = [body for body in bodies if self._is_new(body["update_id"], offset)]
            read = [(update, body) for body in fresh if (update := self._read(body)) is not None]
            # A checkout has ten seconds.
            for update, body in sorted(read, key=lambda pair: not concerns_money(pair[0])):
                self._unhandled.add(update.update_id)
                self._hands[update.update_id] = asyncio.create_task(self._handle(update, body))
            if fresh:
                self._next = fresh[-1]["update_id"] + 1
            while (left := asked + SAME_AGAIN_S - time.monotonic()) > 0 and self._hands and self._oldest() == offset:
                await asyncio.wait(self._hands.values(), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                self._forget_done()
            self._forget_done()
            while len(self._hands) >= MOST_HANDS:
                await asyncio.wait(self._hands.values(), return_when=asyncio.FIRST_COMPLETED)
                self._forget_done()

    def _forget_done(self) -> None:
        self._hands = {number: hand for number, hand in self._hands.items() if not hand.done()}

    def _is_new(self, update_id: int, offset: int) -> bool:
        """Whether this answer to an ``offset`` brings an update not in hand yet.

        After a week without updates Telegram numbers them anew, from anywhere: those below the offset it was asked for
        are of another count.
        """
        return (update_id >= self._next or update_id < offset) and update_id not in self._unhandled

    async def _ask(self, offset: int) -> list[dict[str, Any]]:
        self._asked = offset
        wait_s = 0 if self._unhandled else WAIT_S
        asked = GetUpdates(offset=offset, timeout=wait_s, allowed_updates=self._reception.kinds)
        return await self._bot(asked, request_timeout=WAIT_S + 10)

    def _read(self, received: dict[str, Any]) -> Update | None:
        """None for what is newer or older than this library: it would come again for a day, and so would all after it."""
        try:
            return Update.model_validate(received, context={"bot": self._bot})
        except ValidationError:
            log.warning("update %s cannot be read", received["update_id"])
            return None

    async def _persist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call Telegram until it answers, whatever comes back instead: a proxy's error page as well."""
        failures = 0
        while True:
            try:
                return await call()
            except UNANSWERED as error:
                if called_off():
                    raise
                if isinstance(error, TelegramConflictError):
                    log.error("another process polls for this bot: %s", error.message)  # noqa: TRY400 - no traceback
                else:
                    log.warning("Telegram does not answer: %s", error)
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1

    async def _handle(self, update: Update, body: dict[str, Any]) -> None:
        async with beside(self._let_go(update, body)):
            received = await self._reception.receive(update)
        if received.outcome is Outcome.HANDLED:
            self._unhandled.discard(update.update_id)
        elif update.update_id in self._unhandled and not called_off():
            await self._put_aside(update, body, received)

    async def _let_go(self, update: Update, body: dict[str, Any]) -> None:
        """Hold up nobody for what takes long. Put aside, it is handled to its end here all the same."""
        await asyncio.sleep(LONG_S)
        await self._put_aside(update, body, Received(Outcome.WAITING))

    async def _put_aside(self, update: Update, body: dict[str, Any], received: Received) -> None:
        """However long it takes: while there is no database, no update can be handled."""
        failures = 0
        while True:
            try:
                await self._reception.put_aside(update, body, received)
            except (OSError, SQLAlchemyError) as error:
                if called_off():
                    raise
                log.warning("update %s cannot be put aside: %s", update.update_id, error)
            else:
                self._unhandled.discard(update.update_id)
                return
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1

    def _oldest(self) -> int:
        """The oldest update that is neither handled nor put aside yet."""
        return min(self._unhandled, default=self._next)

    async def _acknowledge(self) -> None:
        """Tell Telegram what was handled since it was asked last, so that the next start begins after it."""
        if self._oldest() != self._asked:
            try:
                await self._bot(GetUpdates(offset=self._oldest(), limit=1, timeout=0), request_timeout=5)
            except UNANSWERED as error:
                log.info("the last updates will come again: %s", error)
