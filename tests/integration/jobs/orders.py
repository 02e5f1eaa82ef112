"""Orders, and how they come into the ledger and out of it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from serve_app.jobs.ledger import Ledger, Order
from serve_app.jobs.tables import Job


def order(owner: str = "tg:1", dedupe: str | None = None, channel: str = "telegram") -> Order:
    return Order("style", channel, owner, {"style": "wave"}, {"image": "in/1"}, dedupe)


async def submit(ledger: Ledger, sessions: async_sessionmaker[AsyncSession], wanted: Order) -> tuple[Job, bool]:
    async with sessions.begin() as session:
        return await ledger.submit(session, wanted)


async def claim(ledger: Ledger, sessions: async_sessionmaker[AsyncSession]) -> Job | None:
    async with sessions.begin() as session:
        return await ledger.claim(session)


async def claim_delivery(ledger, sessions, **options) -> Job | None:
    async with sessions.begin() as session:
        return await ledger.claim_delivery(session, channel="telegram", **options)


async def ended(ledger, sessions, outcome=None) -> Job:
    """Claim the next job and end it: with an error, or well."""
    job = await claim(ledger, sessions)
    async with sessions.begin() as session:
        if outcome is None:
            assert await ledger.finish(session, job.id, job.lease, {"key": "out/1"})
        else:
            assert await ledger.fail(session, job.id, job.lease, outcome)
    return job


async def ended_of(channel: str, ledger, sessions, outcome=None) -> Job:
    """A job of this channel, ordered and ended."""
    await submit(ledger, sessions, order(channel=channel))
    return await ended(ledger, sessions, outcome)
