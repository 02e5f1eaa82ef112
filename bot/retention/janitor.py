"""Keeps nothing longer than was said: photos, results and what jobs tell of people go when their time is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import CHANNEL
from bot.accounts.days import day_of
from bot.accounts.tables import Invoice, Payment, Remnant
from bot.delivery.tables import Delivery
from bot.intake.inbox import REMEMBER_S, Inbox
from bot.intake.tables import Bundle, Upload
from serve_app.duties import keep_doing
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.objects import ObjectStore
from serve_app.rates import RateBucket

PERIOD_S = 300.0
AT_ONCE = 200
INVOICE_S = 90 * 86_400.0
"""An unpaid offer is withdrawn after so long."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many photos, results and updates were forgotten."""

    photos: int
    results: int
    updates: int


class Janitor:
    """Sweeps now and then; several may, nothing is done twice."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        objects: ObjectStore,
        ledger: Ledger,
        inbox: Inbox,
        *,
        longest_keep_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``longest_keep_s``: older objects that no row names were left by a crash. What is used again is kept for longer."""
        self._sessions = sessions
        self._objects = objects
        self._ledger = ledger
        self._inbox = inbox
        self._longest_keep_s = longest_keep_s
        self._clock = clock

    async def run(self) -> None:
        """Sweep every few minutes until cancelled."""
        await keep_doing(self.sweep, PERIOD_S)

    async def sweep(self) -> Swept:
        """Remove what has expired."""
        photos = results = 0
        while (batch := await self._photos()) > 0:
            photos += batch
        while (batch := await self._results()) > 0:
            results += batch
        await self._rows()
        await self._leftovers()
        return Swept(photos, results, await self._inbox.sweep())

    async def _photos(self) -> int:
        """Bundles whose time is over, with their photos, unless there is work to do with these.

        Objects go first: a row is needed to find them again.
        """
        to_do = Delivery.bundle_id.is_not(None), Job.state.in_([State.QUEUED, State.RUNNING])
        needed = select(Delivery.bundle_id).join(Job, Job.id == Delivery.job_id).where(*to_do)
        expired = select(Bundle.id).where(Bundle.expires < self._clock(), Bundle.id.not_in(needed)).limit(AT_ONCE)
        async with self._sessions.begin() as session:
            ids = (await session.execute(expired)).scalars().all()
            keys = (await session.execute(select(Upload.key).where(Upload.bundle_id.in_(ids)))).scalars().all()
            await asyncio.to_thread(self._objects.delete, keys)
            await session.execute(delete(Bundle).where(Bundle.id.in_(ids)))
        return len(ids)

    async def _results(self) -> int:
        """Ended jobs whose time is over: their result, what was stored for them alone, and what they tell of a person."""
        # A failure its owner was not told of is not over: the credits it holds come back when it is told.
        over = or_(Job.state.in_([State.DELIVERED, State.CANCELLED]), Job.delivered.is_not(None))
        statement = (
            select(Job).join(Delivery, Delivery.job_id == Job.id).where(Delivery.expires < self._clock(), over)
        ).limit(AT_ONCE)
        async with self._sessions.begin() as session:
            jobs = (await session.execute(statement)).scalars().all()
            named = {
                key for job in jobs for key in [*job.inputs.values(), *([job.result["key"]] if job.result else [])]
            }
            await asyncio.to_thread(self._objects.delete, await self._unshared(session, named))
            ids = [job.id for job in jobs]
            await self._ledger.forget(session, ids)
            await session.execute(delete(Delivery).where(Delivery.job_id.in_(ids)))
        return len(jobs)

    async def _leftovers(self) -> None:
        """What a crash left in the store. What was used again, or waits for its turn, is old but no leftover."""
        # The store's own time: that of the photos' files.
        when = time.time() - self._longest_keep_s
        old = await asyncio.to_thread(self._objects.stored_before, when)
        await asyncio.to_thread(self._objects.sweep, when, await self._named(old))

    async def _named(self, keys: Sequence[str]) -> set[str]:
        """Those of ``keys`` that are photos of a bundle, or belong to a job whose answer is still to come."""
        if not keys:
            return set()
        coming = Job.channel == CHANNEL, Job.state.in_([State.QUEUED, State.RUNNING, State.DONE])
        named: set[str] = set()
        async with self._sessions() as session:
            for inputs, result in await session.execute(select(Job.inputs, Job.result).where(*coming)):
                named |= {*inputs.values(), *([result["key"]] if result else [])}
            for start in range(0, len(keys), AT_ONCE):
                photos = select(Upload.key).where(Upload.key.in_(keys[start : start + AT_ONCE]))
                named |= set((await session.execute(photos)).scalars())
        return named.intersection(keys)

    async def _unshared(self, session: AsyncSession, keys: set[str]) -> Sequence[str]:
        """Those of ``keys`` that are not photos of a bundle that is still kept."""
        kept = (await session.execute(select(Upload.key).where(Upload.key.in_(keys)))).scalars()
        return sorted(keys - set(kept))

    async def _rows(self) -> None:
        now = self._clock()
        paid = select(Payment.payload)
        # Whoever takes from several buckets waits for one that is locked here, and must not be waited for.
        full = select(RateBucket.key).where(RateBucket.arrival < now).with_for_update(skip_locked=True)
        async with self._sessions.begin() as session:
            await session.execute(delete(RateBucket).where(RateBucket.key.in_(full)))
        async with self._sessions.begin() as session:
            await session.execute(
                delete(Remnant).where(Remnant.banned.is_(False), Remnant.debt == 0, Remnant.quota_day < day_of(now))
            )
            # What an order came by is told apart by the numbers of updates, which Telegram gives anew some day.
            unheard = Job.channel == CHANNEL, Job.dedupe.is_not(None), Job.created < now - REMEMBER_S
            await session.execute(update(Job).where(*unheard).values(dedupe=None))
            await session.execute(
                delete(Invoice).where(Invoice.created < now - INVOICE_S, Invoice.payload.not_in(paid))
            )
