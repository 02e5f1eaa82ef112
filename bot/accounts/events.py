"""One row per notable event that no other table tells of, for the statistics. No personal content."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from bot.accounts.tables import Event


class EventKind(StrEnum):
    """``refused``: a message turned away before it became a job (``detail`` is the error's slug)."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    SUBSCRIPTION = "subscription"
    DELETED = "deleted"


class Events:
    """Writes events inside the caller's transaction."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def record(self, session: AsyncSession, user_id: int, kind: EventKind, detail: str = "") -> None:
        """``detail`` is a word of ours: a slug, a state."""
        session.add(Event(user_id=user_id, kind=kind, detail=detail[:64], created=self._clock()))
