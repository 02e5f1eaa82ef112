"""One row per notable event that no other table tells of, for the statistics. No personal content."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from bot.accounts.tables import Event


class EventKind(StrEnum):
    """``refused``: a message turned away before it became a job (``detail`` is the error's slug)."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    SUBSCRIPTION = "subscription"
    DELETED = "deleted"


def record(session: AsyncSession, user_id: int, kind: EventKind, now: float, detail: str = "") -> None:
    """Write an event of ``now`` (Unix seconds) inside the caller's transaction; ``detail`` is a slug or a state."""
    session.add(Event(user_id=user_id, kind=kind, detail=detail[:64], created=now))
