"""What was put aside is handled here, as often as it takes: when it is due, and in whichever process looks first."""

from __future__ import annotations

import asyncio
import logging

from aiogram import Bot
from aiogram.types import Update
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from bot.intake.tables import WaitingUpdate
from bot.intake.waiting import WaitingRoom
from bot.updates.reception import Outcome, Reception
from serve_app.duties import called_off, keep_doing

log = logging.getLogger(__name__)

LOOK_S = 0.5
HANDS = 20

ATTEMPTS = 40
"""What failed so often, for three minutes, is to blame itself. What could not be tried at all waits for as long as it takes."""


class Latecomers:
    """Brings updates from the waiting room back to the reception. Several processes may: the inbox tells them apart."""

    def __init__(self, room: WaitingRoom, reception: Reception, bot: Bot) -> None:
        self._room = room
        self._reception = reception
        self._bot = bot
        self._hands: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Handle what is due until cancelled."""
        try:
            await keep_doing(self._look, LOOK_S)
        finally:
            for hand in self._hands:
                hand.cancel()
            await asyncio.gather(*self._hands, return_exceptions=True)

    async def _look(self) -> None:
        for waiting in await self._room.take(HANDS - len(self._hands)):
            hand = asyncio.create_task(self._handle(waiting))
            self._hands.add(hand)
            hand.add_done_callback(self._hands.discard)

    async def _handle(self, waiting: WaitingUpdate) -> None:
        try:
            await self._try(waiting)
        except (OSError, SQLAlchemyError) as error:
            if called_off():
                raise asyncio.CancelledError from error
            log.warning("update %s is tried again when its lease has run out: %s", waiting.update_id, error)

    async def _try(self, waiting: WaitingUpdate) -> None:
        try:
            update = Update.model_validate(waiting.body, context={"bot": self._bot})
        except ValidationError:
            log.warning("update %s cannot be read any more", waiting.update_id)
            await self._room.forget(waiting.update_id)
            return
        received = await self._reception.receive(update)
        failures = waiting.failures + (received.outcome is Outcome.FAILED)
        if received.outcome is Outcome.FAILED and failures >= ATTEMPTS:
            log.error("update %s failed %d times and is given up", update.update_id, failures)
            await self._reception.give_up(update)
        elif received.outcome is not Outcome.HANDLED:
            await self._room.postpone(update.update_id, received.again_in(failures), failures)
            return
        await self._room.forget(update.update_id)
