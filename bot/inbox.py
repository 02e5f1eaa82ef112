"""Updates seen, so that one delivered again is not handled again."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


class Admission(Enum):
    """``NEW``: handle it. ``BUSY``: somebody is at it; do not acknowledge yet. ``DONE``: acknowledge and forget it."""

    NEW = auto()
    BUSY = auto()
    DONE = auto()


class Inbox:
    """Remembers update ids for 48 hours, twice as long as Telegram redelivers.

    Handle, then :meth:`done`, then acknowledge: a crash in between has the update handled again (what it ordered or
    paid is recognised by its own key), never lost. While one replica handles it, others see ``BUSY`` for ``lease_s``.
    """

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], *, lease_s: float = 90.0, clock: Callable[[], float] = time.time
    ) -> None: ...

    async def admit(self, update_id: int) -> Admission:
        """Whether to handle this update."""
        raise NotImplementedError

    async def done(self, update_id: int) -> None:
        """It was handled; acknowledge it."""

    async def again(self, update_id: int) -> None:
        """Handling failed: let the next delivery try at once."""

    async def sweep(self) -> int:
        """Forget what Telegram will not deliver again; returns how many."""
        raise NotImplementedError
