"""People's own results, which Telegram has already: to show again. Every function runs inside the caller's session."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery.tables import Delivery

RECENT = 10


async def result(session: AsyncSession, user_id: int, job_id: str) -> Delivery | None:
    """One of a person's own pictures, delivered or on its way: ``file_id`` is None until the delivery is recorded.

    ``as_file`` says whether it is a document.
    """
    slip = await session.get(Delivery, job_id)
    return slip if slip is not None and slip.user_id == user_id else None


async def recent(session: AsyncSession, user_id: int) -> Sequence[Delivery]:
    """A person's latest delivered pictures, ten at the most, newest first."""
    statement = select(Delivery).where(Delivery.user_id == user_id, Delivery.file_id.is_not(None))
    return (await session.execute(statement.order_by(Delivery.sent.desc()).limit(RECENT))).scalars().all()


async def delivered(session: AsyncSession, user_id: int, message_id: int) -> bool:
    """Whether this message of a private chat is a result."""
    slip = select(Delivery.job_id).where(Delivery.user_id == user_id, Delivery.chat_id == user_id)
    return (await session.execute(slip.where(Delivery.message_id == message_id).limit(1))).first() is not None
