"""Pictures Telegram already has: people's own results, to show again, and ours, to upload once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.delivery.tables import Delivery, StoredFile


class Archive:
    """File ids. Every method runs inside the caller's session."""

    async def result(self, session: AsyncSession, user_id: int, job_id: str) -> Delivery | None:
        """One of a person's own pictures, delivered or on its way: ``file_id`` is None until the delivery is recorded.

        ``as_file`` says whether it is a document.
        """
        slip = await session.get(Delivery, job_id)
        return slip if slip is not None and slip.user_id == user_id else None

    async def recent(self, session: AsyncSession, user_id: int, limit: int = 10) -> Sequence[Delivery]:
        """A person's latest delivered pictures, newest first."""
        statement = select(Delivery).where(Delivery.user_id == user_id, Delivery.file_id.is_not(None))
        return (await session.execute(statement.order_by(Delivery.sent.desc()).limit(limit))).scalars().all()

    async def delivered(self, session: AsyncSession, user_id: int, message_id: int) -> bool:
        """Whether this message of a private chat is a result."""
        slip = select(Delivery.job_id).where(Delivery.user_id == user_id, Delivery.chat_id == user_id)
        return (await session.execute(slip.where(Delivery.message_id == message_id).limit(1))).first() is not None

    async def known(self, session: AsyncSession, name: str) -> str | None:
        """The file id of a picture of ours, under a name that changes with its content (``style/wave/<sha256>``)."""
        stored = await session.get(StoredFile, name)
        return None if stored is None else stored.file_id

    async def remember(self, session: AsyncSession, name: str, file_id: str) -> None:
        """Telegram has this picture of ours now."""
        await session.merge(StoredFile(name=name, file_id=file_id))
