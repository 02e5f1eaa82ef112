"""Updates seen, so that one delivered again is not handled again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from enum import Enum, auto

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.intake.tables import SeenUpdate, WaitingUpdate
from serve_app.duties import beside, keep_doing

REMEMBER_S = 48 * 3600.0
"""Twice as long as Telegram goes on delivering an update."""


class Admission(Enum):
    """``NEW``: handle it. ``BUSY``: somebody is at it; do not acknowledge yet. ``DONE``: acknowledge and forget it."""

    NEW = auto()
    BUSY = auto()
    DONE = auto()


class Inbox:
    """Remembers update ids for 48 hours.

    Handle, then :meth:`done`, then acknowledge: a crash in between has the update handled again (what it ordered or
    paid for is recognised by its own key), never lost. While one replica is at it, others see ``BUSY``: for ``lease_s``,
    or for as long as it has the update :meth:`in_hand`.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        *,
        lease_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sessions = sessions
        self._lease_s = lease_s
        self._clock = clock

    async def admit(self, update_id: int) -> Admission:
        """Whether to handle this update."""
        now = self._clock()
        async with self._sessions.begin() as session:
            seen = await session.get(SeenUpdate, update_id, with_for_update=True)
            if seen is None:
                row = SeenUpdate(update_id=update_id, done=False, until=now + self._lease_s, seen=now)
                try:
                    async with session.begin_nested():
                        session.add(row)
                except IntegrityError:
                    # It came to two replicas at the same moment, and the other one was first.
                    return Admission.BUSY
                return Admission.NEW
            if seen.done:
                return Admission.DONE
            if seen.until > now:
                return Admission.BUSY
            seen.until = now + self._lease_s
            return Admission.NEW

    @contextlib.asynccontextmanager
    async def in_hand(self, update_id: int) -> AsyncIterator[None]:
        """Until the block ends, an update that was admitted is not given to others for taking long."""
        async with beside(self._go_on_renewing(update_id)):
            yield

    async def _go_on_renewing(self, update_id: int) -> None:
        async def renew() -> None:
            await self._set(update_id, until=self._clock() + self._lease_s)

        await asyncio.sleep(self._lease_s / 3)
        await keep_doing(renew, self._lease_s / 3)

    async def done(self, update_id: int) -> None:
        """It was handled; acknowledge it, and do not take it up again where it was put aside."""
        async with self._sessions.begin() as session:
            await session.execute(update(SeenUpdate).where(SeenUpdate.update_id == update_id).values(done=True))
            await session.execute(delete(WaitingUpdate).where(WaitingUpdate.update_id == update_id))

    async def again(self, update_id: int) -> None:
        """Handling failed, or was broken off: let the next delivery try at once."""
        await self._set(update_id, until=0.0)

    async def sweep(self) -> int:
        """Forget what Telegram will not deliver again; returns how many."""
        async with self._sessions.begin() as session:
            old = delete(SeenUpdate).where(SeenUpdate.seen < self._clock() - REMEMBER_S)
            forgotten = (await session.execute(old.returning(SeenUpdate.update_id))).all()
        return len(forgotten)

    async def _set(self, update_id: int, **values: object) -> None:
        async with self._sessions.begin() as session:
            await session.execute(update(SeenUpdate).where(SeenUpdate.update_id == update_id).values(**values))
