"""Keeps people posted while they wait: an activity while the work goes on, their place in the queue while it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.delivery.messages import Action, Address, Outgoing, Sender
from bot.delivery.tables import Delivery
from serve_app.jobs.ledger import Ledger


class Words(Protocol):
    """Puts a place in the queue into the person's words."""

    async def waiting(self, delivery: Delivery, position: int) -> Outgoing:
        """``position`` jobs are served before; 0 means next."""
        ...

    async def working(self, delivery: Delivery) -> Outgoing:
        """The work has begun."""
        ...


class Progress:
    """Status messages of one channel's jobs. Any number may run: each edit is made by one of them."""

    def __init__(
        self,
        ledger: Ledger,
        sessions: async_sessionmaker[AsyncSession],
        sender: Sender,
        words: Words,
        *,
        channel: str,
        edits_per_round: int = 20,
    ) -> None: ...

    async def show(self, job_ids: tuple[str, ...], message_id: int, position: int | None) -> None:
        """Keep this message true for these jobs (a request's); it said ``position`` when it was sent."""

    async def round(self) -> int:
        """Edit what is no longer true, people who wait longest first; returns how many edits were made."""
        raise NotImplementedError

    async def run(self) -> None:
        """Go round every few seconds until cancelled."""

    @asynccontextmanager
    async def acting(self, job_id: str, action: Action = "upload_photo") -> AsyncIterator[None]:
        """Show the activity in the job's chat until the block ends. To be put around the work on a job."""
        yield
