"""Finds jobs that have ended and has their answers handed over: fairly between people, in order for each of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import CHANNEL
from bot.delivery.handover import Handover
from deployments.errors import Unavailable
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.tables import Job

log = logging.getLogger(__name__)

IDLE_POLL_S = 0.5


class Courier:
    """Delivers answers. Several may run anywhere; the ledger hands each job to one of them."""

    def __init__(
        self,
        ledger: Ledger,
        sessions: async_sessionmaker[AsyncSession],
        handover: Handover,
        *,
        hands: int = 8,
        drain_s: float = 20.0,
        heartbeat_s: float = 15.0,
    ) -> None:
        """``hands`` is how many people are served at a time; one person's answers come one after the other."""
        self._ledger = ledger
        self._sessions = sessions
        self._handover = handover
        self._hands = hands
        self._drain_s = drain_s
        self._heartbeat_s = heartbeat_s
        self._wake = asyncio.Event()
        self._serving: set[str] = set()
        self._stopping = False

    def notice(self) -> None:
        """A job has ended: look now instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; what is in hand then has ``drain_s`` to arrive and be recorded."""
        self._stopping = False
        work = asyncio.create_task(self._work())
        try:
            # Shielded: a claim that is broken off would keep its jobs from everybody until the leases run out.
            await asyncio.shield(work)
        finally:
            self._stopping = True
            self.notice()
            await asyncio.wait({work}, timeout=self._drain_s)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def deliver_once(self) -> bool:
        """Deliver one request's answers. False when there was none to deliver."""
        jobs = await self._claim()
        if jobs:
            await self._serve(jobs)
        return bool(jobs)

    async def _work(self) -> None:
        hands: set[asyncio.Task[None]] = set()
        try:
            while not self._stopping:
                self._wake.clear()
                if jobs := await self._claim():
                    hands.add(asyncio.create_task(self._serve(jobs)))
                else:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_POLL_S):
                            await self._wake.wait()
                hands = {hand for hand in hands if not hand.done()}
                if len(hands) >= self._hands:
                    _, hands = await asyncio.wait(hands, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*hands)
        finally:
            for hand in hands:
                hand.cancel()
            await asyncio.gather(*hands, return_exceptions=True)

    async def _claim(self) -> list[Job]:
        """One request's jobs that have ended, of somebody who is not being served already."""
        try:
            async with self._sessions.begin() as session:
                first = await self._ledger.claim_delivery(session, channel=CHANNEL, besides=self._serving)
                jobs = [] if first is None else [first, *await self._ledger.claim_batch(session, first)]
        except (OSError, SQLAlchemyError):
            log.exception("the ledger is out of reach; trying again")
            return []
        self._serving |= {job.owner for job in jobs}
        return jobs

    async def _serve(self, jobs: list[Job]) -> None:
        served = asyncio.Event()
        heartbeat = asyncio.create_task(self._keep(jobs, served))
        try:
            await self._handover.answer(jobs)
        except asyncio.CancelledError:
            await self._handover.put_off(jobs, 0.0)
            raise
        except (OSError, SQLAlchemyError, Unavailable):
            # The leases run out, and somebody delivers these when the ledger, or the store of results, is back.
            log.exception("the ledger or the results were lost while jobs were delivered")
        finally:
            served.set()
            self._serving -= {job.owner for job in jobs}
            self.notice()
            await heartbeat

    async def _keep(self, jobs: list[Job], served: asyncio.Event) -> None:
        """Renew the leases while a message waits for its turn."""
        while not served.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat_s):
                    await served.wait()
                return
            with contextlib.suppress(OSError, SQLAlchemyError):
                async with self._sessions.begin() as session:
                    for job in jobs:
                        await self._ledger.renew(session, job.id, job.lease or "")
