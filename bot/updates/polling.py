"""Long polling: one process asks Telegram for updates, and acknowledges each only after it was handled."""

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

from bot.updates.reception import Outcome, Reception
from serve_app.duties import called_off

log = logging.getLogger(__name__)

WAIT_S = 25
SAME_AGAIN_S = 0.6
"""Whoever asks for the same offset again within half a second is given one update: one that is in hand already."""
UNANSWERED = (AiogramError, OSError, TimeoutError)
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)

# What failed for three minutes is to blame itself, and would hold up all that come after the hundred behind it. What could
# not be tried at all waits for as long as it takes.
RETRIES_S = (0.5, 1.0, 2.0, 4.0, 5.0)
ATTEMPTS = 40

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

    Asking for updates from the oldest unhandled one on is what acknowledges those before it. A crash thus loses none:
    what was in hand comes again.
    """

    def __init__(self, bot: Bot, reception: Reception, *, drain_s: float = 20.0) -> None:
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
            updates = await self._persist(functools.partial(self._ask, offset))
            fresh = [update for update in updates if self._is_new(update["update_id"], offset)]
            for received in fresh:
                self._next = received["update_id"] + 1
                if (update := self._read(received)) is not None:
                    self._unhandled.add(update.update_id)
                    self._hands[update.update_id] = asyncio.create_task(self._handle(update))
            while (left := asked + SAME_AGAIN_S - time.monotonic()) > 0 and self._hands and self._oldest() == offset:
                await asyncio.wait(self._hands.values(), timeout=left, return_when=asyncio.FIRST_COMPLETED)
                self._forget_done()
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
        wait_s = 0 if self._hands else WAIT_S
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

    async def _handle(self, update: Update) -> None:
        attempts = failures = 0
        while (received := await self._reception.receive(update)).outcome is not Outcome.HANDLED:
            if called_off():
                return
            failures += received.outcome is Outcome.FAILED
            if failures == ATTEMPTS:
                log.error("update %s failed %d times and is given up", update.update_id, ATTEMPTS)
                await self._reception.give_up(update)
                break
            await asyncio.sleep(max(RETRIES_S[min(attempts, len(RETRIES_S) - 1)], received.pause_s))
            attempts += 1
        self._unhandled.discard(update.update_id)

    def _oldest(self) -> int:
        """The oldest update that is not handled yet."""
        return min(self._unhandled, default=self._next)

    async def _acknowledge(self) -> None:
        """Tell Telegram what was handled since it was asked last, so that the next start begins after it."""
        if self._oldest() != self._asked:
            try:
                await self._bot(GetUpdates(offset=self._oldest(), limit=1, timeout=0), request_timeout=5)
            except UNANSWERED as error:
                log.info("the last updates will come again: %s", error)
