"""One message to everybody, within Telegram's limits and behind people's own answers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import Accounts
from bot.delivery.messages import Address, NotSent, Outgoing, Sender

log = logging.getLogger(__name__)

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message of an operator's chat, to be copied to everybody whose id is above ``after``."""

    chat_id: int
    message_id: int
    after: int = 0


class Broadcaster:
    """Copies announcements, one person after the other: the limits it waits for are shared with all answers.

    It is the operator's tool and not a durable job: broken off, it says with whom to go on.
    """

    def __init__(
        self, bot: Bot, sessions: async_sessionmaker[AsyncSession], accounts: Accounts, sender: Sender
    ) -> None:
        self._bot = bot
        self._sessions = sessions
        self._accounts = accounts
        self._sender = sender
        self._orders: asyncio.Queue[Announcement] = asyncio.Queue()

    def order(self, announcement: Announcement) -> None:
        """Send it after those ordered before."""
        self._orders.put_nowait(announcement)

    async def run(self) -> None:
        """Send announcements until cancelled."""
        while True:
            await self._announce(await self._orders.get())

    async def _announce(self, announcement: Announcement) -> None:
        reached = gone = failed = 0
        last, how = announcement.after, "stopped"
        try:
            while people := await self._next(last):
                for person in people:
                    try:
                        await self._bot.copy_message(person, announcement.chat_id, announcement.message_id)
                        reached += 1
                    except TelegramForbiddenError:
                        gone += 1
                    except TelegramAPIError as error:
                        log.warning("an announcement did not reach somebody: %s", error)
                        failed += 1
                    last = person
            how = "done"
        finally:
            told = f"broadcast {how}: {reached} reached, {gone} gone, {failed} failed"
            if how == "stopped":
                told += f"; to go on, reply to the message with /broadcast {last}"
            try:
                await self._sender.send(Address(announcement.chat_id), Outgoing(told))
            except NotSent as error:
                log.warning("%s (and the operator could not be told: %s)", told, error)

    async def _next(self, after: int) -> list[int]:
        async with self._sessions() as session:
            return await self._accounts.after(session, after, AT_ONCE)
