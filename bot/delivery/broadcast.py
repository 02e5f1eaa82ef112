"""One message to everybody, within Telegram's limits: durable, so that it survives restarts, and to nobody twice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiohttp import ClientConnectorError
from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.tables import User
from bot.delivery.messages import Address, NotSent, Outgoing, Sender
from bot.delivery.tables import Broadcast, Recipient, RecipientState

log = logging.getLogger(__name__)

IDLE_POLL_S = 5.0
DRAIN_S = 5.0

# Spelt out in the statement: with a value that is bound later, a database cannot tell that its index of them will do.
STILL_WAITING = Recipient.state == bindparam("waiting", RecipientState.WAITING, literal_execute=True)
FIRST_IN_TURN = select(Recipient).where(STILL_WAITING).order_by(Recipient.broadcast_id, Recipient.user_id).limit(1)

LOST_S = 300.0
"""Whoever was being sent to for so long was being sent to by a process that died: nobody knows if it arrived."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """Somebody whose turn it is; the row says so, and nobody else takes it."""

    broadcast: Broadcast
    user_id: int
    banned: bool


class Broadcaster:
    """Copies announcements, one person after the other: the limits it waits for are shared with all answers.

    A person's row is marked before the message leaves and again when it has arrived. A crash in between leaves it
    uncertain, and an uncertain person is not written to again. Several broadcasters share the work.
    """

    def __init__(
        self,
        bot: Bot,
        sessions: async_sessionmaker[AsyncSession],
        sender: Sender,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bot = bot
        self._refused = False
        self._sessions = sessions
        self._sender = sender
        self._clock = clock
        self._wake = asyncio.Event()

    async def order(self, origin: str, chat_id: int, message_id: int) -> int:
        """Send a message of an operator's chat to everybody known now who is not banned; returns to how many.

        It is sent after those ordered before. ``origin`` is the update that ordered it: the same one, the same broadcast.
        """
        now = self._clock()
        async with self._sessions.begin() as session:
            row = Broadcast(
                origin=origin,
                chat_id=chat_id,
                message_id=message_id,
                created=now,
                finished=None,
            )
            try:
                async with session.begin_nested():
                    session.add(row)
            except IntegrityError:
                ordered = select(Broadcast).where(Broadcast.origin == origin)
                row = (await session.execute(ordered)).scalar_one()
            else:
                everybody = select(literal(row.id), User.id, literal(RecipientState.WAITING), literal(now))
                columns = ["broadcast_id", "user_id", "state", "since"]
                await session.execute(insert(Recipient).from_select(columns, everybody.where(User.banned.is_(False))))
            count = select(func.count()).select_from(Recipient).where(Recipient.broadcast_id == row.id)
            people = (await session.execute(count)).scalar_one()
        self._wake.set()
        return people

    async def run(self) -> None:
        """Send until cancelled; the message in hand then has a few seconds to arrive and be recorded."""
        while True:
            self._wake.clear()
            step = asyncio.create_task(self.step())
            try:
                worked = await asyncio.shield(step)
            except asyncio.CancelledError:
                await asyncio.wait({step}, timeout=DRAIN_S)
                step.cancel()
                await asyncio.gather(step, return_exceptions=True)
                raise
            if not worked or self._refused:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_POLL_S):
                        await self._wake.wait()

    async def step(self) -> bool:
        """Write to one person, or tell an operator that all were written to. False when there is nothing to do."""
        self._refused = False
        turn = await self._next()
        if turn is None:
            return await self._finish()
        try:
            state = RecipientState.GONE if turn.banned else await self._copy(turn)
        except (OSError, SQLAlchemyError):
            # The limits or Telegram are out of reach: nothing has left, and nothing leaves until they are back.
            await self._record(turn, RecipientState.WAITING)
            raise
        await self._record(turn, state)
        return True

    async def _record(self, turn: _Turn, state: RecipientState) -> None:
        mine = and_(Recipient.broadcast_id == turn.broadcast.id, Recipient.user_id == turn.user_id)
        async with self._sessions.begin() as session:
            await session.execute(update(Recipient).where(mine).values(state=state, since=self._clock()))

    async def _copy(self, turn: _Turn) -> RecipientState:
        """Raises ``ConnectionError`` where nobody at all can be written to."""
        try:
            await self._bot.copy_message(turn.user_id, turn.broadcast.chat_id, turn.broadcast.message_id)
        except TelegramForbiddenError:
            return RecipientState.GONE
        except TelegramRetryAfter:
            # Not sent; whoever is next has to wait as well, or is this person again.
            self._refused = True
            return RecipientState.WAITING
        except TelegramUnauthorizedError as error:
            raise ConnectionError("Telegram does not know the bot's token any more") from error
        except TelegramNetworkError as error:
            if isinstance(error.__cause__, ClientConnectorError):
                raise ConnectionError(f"Telegram is out of reach: {error.message}") from error
            log.warning("an announcement may not have reached somebody: %s", error)
            return RecipientState.SENDING
        except TelegramAPIError as error:
            log.warning("an announcement did not reach somebody: %s", error)
            return RecipientState.FAILED
        return RecipientState.REACHED

    async def _next(self) -> _Turn | None:
        """Take the next person of the oldest broadcast."""
        async with self._sessions.begin() as session:
            row = (await session.execute(FIRST_IN_TURN.with_for_update(skip_locked=True))).scalar_one_or_none()
            if row is None:
                return None
            row.state, row.since = RecipientState.SENDING, self._clock()
            user = await session.get_one(User, row.user_id)
            return _Turn(await session.get_one(Broadcast, row.broadcast_id), row.user_id, user.banned)

    async def _finish(self) -> bool:
        """Close the oldest broadcast nobody is left of, forget who got it, and say how it went."""
        async with self._sessions.begin() as session:
            over = Broadcast.finished.is_(None) & ~exists().where(
                Recipient.broadcast_id == Broadcast.id, self._unfinished()
            )
            oldest = select(Broadcast.id).where(over).order_by(Broadcast.id).limit(1).scalar_subquery()
            closing = update(Broadcast).where(Broadcast.id == oldest, over).values(finished=self._clock())
            broadcast = (await session.execute(closing.returning(Broadcast))).scalar_one_or_none()
            if broadcast is None:
                return False
            mine = Recipient.broadcast_id == broadcast.id
            counted = await session.execute(select(Recipient.state, func.count()).where(mine).group_by(Recipient.state))
            counts = {RecipientState(state): count for state, count in counted}
            await session.execute(delete(Recipient).where(mine))
        told = "broadcast done: " + ", ".join(
            f"{counts.get(state, 0)} {word}"
            for state, word in WORDS.items()
            if state in counts or state != RecipientState.SENDING
        )
        try:
            await self._sender.send(Address(broadcast.chat_id), Outgoing(told))
        except NotSent as error:
            log.warning("%s (and the operator could not be told: %s)", told, error)
        return True

    def _unfinished(self) -> ColumnElement[bool]:
        in_hand = and_(Recipient.state == RecipientState.SENDING, Recipient.since > self._clock() - LOST_S)
        return or_(Recipient.state == RecipientState.WAITING, in_hand)


WORDS = {
    RecipientState.REACHED: "reached",
    RecipientState.GONE: "gone",
    RecipientState.FAILED: "failed",
    RecipientState.SENDING: "uncertain",
}
