"""Updates that were acknowledged before they were handled: each is kept as it came until it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.intake.tables import WaitingUpdate


class WaitingRoom:
    """Holds updates that take long or have to come again.

    One is put here before it is acknowledged, and leaves when it was handled: a crash at any moment leaves it at
    Telegram's, here or in both places, where the inbox knows it by its number.
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

    async def put(
        self, body: dict[str, Any], user_id: int | None, *, money: bool, pause_s: float, failures: int = 0
    ) -> None:
        """Keep an update, as Telegram gave it, to be handled in ``pause_s`` seconds. One that is here already stays."""
        row = WaitingUpdate(
            update_id=body["update_id"],
            user_id=user_id,
            money=money,
            body=body,
            failures=failures,
            due=self._clock() + pause_s,
        )
        async with self._sessions.begin() as session:
            if await session.get(WaitingUpdate, row.update_id) is None:
                session.add(row)

    async def take(self, most: int) -> Sequence[WaitingUpdate]:
        """Those whose time has come, money first. Whoever took one has ``lease_s`` for it; then it is handed out again."""
        now = self._clock()
        due = select(WaitingUpdate).where(WaitingUpdate.due <= now).limit(most).with_for_update(skip_locked=True)
        in_turn = due.order_by(WaitingUpdate.money.desc(), WaitingUpdate.due, WaitingUpdate.update_id)
        async with self._sessions.begin() as session:
            taken = (await session.execute(in_turn)).scalars().all()
            for row in taken:
                row.due = now + self._lease_s
        return taken

    async def postpone(self, update_id: int, pause_s: float, failures: int) -> None:
        """It has to be tried again, in so many seconds."""
        later = update(WaitingUpdate).where(WaitingUpdate.update_id == update_id)
        async with self._sessions.begin() as session:
            await session.execute(later.values(due=self._clock() + pause_s, failures=failures))

    async def forget(self, update_id: int) -> None:
        """It was handled, or given up."""
        async with self._sessions.begin() as session:
            await session.execute(delete(WaitingUpdate).where(WaitingUpdate.update_id == update_id))

    async def holds_photo(self, user_id: int, before: int) -> bool:
        """Whether a photo (or another file) of this person, of an update earlier than ``before``, is still to be taken."""
        theirs = select(WaitingUpdate.body).where(WaitingUpdate.user_id == user_id, WaitingUpdate.update_id < before)
        async with self._sessions() as session:
            messages = [body.get("message", {}) for body in (await session.execute(theirs)).scalars()]
        return any("photo" in message or "document" in message for message in messages)
