"""Keeps nothing longer than was said: photos, results and what jobs tell of people go when their time is over.

So does what no row leads to, because its process ended between storing it and writing down whose it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import CHANNEL
from bot.accounts.days import day_of, start_of
from bot.accounts.tables import Activity, Identity, Invoice, Payment, Remnant
from bot.delivery.tables import Delivery
from bot.intake.inbox import REMEMBER_S, Inbox
from bot.intake.tables import Bundle, Upload
from serve_app.database import empty_log
from serve_app.duties import keep_doing
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.objects import ObjectStore
from serve_app.rates import RateBucket

PERIOD_S = 300.0
AT_ONCE = 200
STORING_S = 900.0
"""Nothing takes so long from being stored to the row that names it, whatever it waits for."""
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
        vault: ObjectStore,
        ledger: Ledger,
        inbox: Inbox,
        *,
        keep_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``objects`` holds photos and results, ``vault`` the crops of saved faces; ``keep_s`` is how long people are told."""
        self._sessions = sessions
        self._objects = objects
        self._vault = vault
        self._ledger = ledger
        self._inbox = inbox
        # A tenth longer than was said is still what was said.
        self._period_s = min(PERIOD_S, max(1.0, keep_s / 10))
        self._clock = clock

    async def run(self) -> None:
        """Sweep and clear every few minutes until cancelled; sweep more often where things are kept for minutes only."""
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_doing(self.sweep, self._period_s))
            group.create_task(keep_doing(self.clear, PERIOD_S))

    async def sweep(self) -> Swept:
        """Remove what has expired."""
        photos = results = 0
        while (batch := await self._photos()) > 0:
            photos += batch
        while (batch := await self._results()) > 0:
            results += batch
        await self._rows()
        updates = await self._inbox.sweep()
        await empty_log(self._sessions)
        return Swept(photos, results, updates)

    async def clear(self) -> None:
        """Remove what lies in the stores and is nobody's.

        What was there before the first day that the database tells of is somebody's whom another one knows: started on an
        empty database by mistake, a bot must not remove everybody's faces.
        """
        async with self._sessions() as session:
            first = (await session.execute(select(func.min(Activity.day)))).scalar_one()
        if first is not None:
            await self._clear(self._objects, self._photos_and_results, start_of(first))
            await self._clear(self._vault, self._faces, start_of(first))

    async def _clear(
        self, store: ObjectStore, named: Callable[[Sequence[str]], Awaitable[set[str]]], since: float
    ) -> None:
        # The store's own time: that of its files.
        when = time.time() - STORING_S
        others = set(await asyncio.to_thread(store.stored_before, since))
        old = [key for key in await asyncio.to_thread(store.stored_before, when) if key not in others]
        kept = await named(old) if old else set()
        # Besides what has a key, what was never whole.
        await asyncio.to_thread(store.sweep, when, others | kept)

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

    async def _photos_and_results(self, keys: Sequence[str]) -> set[str]:
        """Those of ``keys`` that are photos of a bundle, or belong to a job that is still to be answered or was kept."""
        named: set[str] = set()
        async with self._sessions() as session:
            kept = select(Job.inputs, Job.result).join(Delivery, Delivery.job_id == Job.id)
            for inputs, result in await session.execute(kept):
                named |= {*inputs.values(), *([result["key"]] if result else [])}
            # Last: a job's photos may be those of a bundle, which goes after it.
            for some in _portions(keys):
                named |= set((await session.execute(select(Upload.key).where(Upload.key.in_(some)))).scalars())
        return named.intersection(keys)

    async def _faces(self, keys: Sequence[str]) -> set[str]:
        """Those of ``keys`` that are faces somebody saved."""
        named: set[str] = set()
        async with self._sessions() as session:
            for some in _portions(keys):
                named |= set((await session.execute(select(Identity.key).where(Identity.key.in_(some)))).scalars())
        return named

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


def _portions(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many as a statement may name."""
    return (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))
