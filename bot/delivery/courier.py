"""Finds jobs that have ended and has their answers handed over: fairly between chats, in order for each of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence

from sqlalchemy import exists
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import CHANNEL
from bot.delivery.handover import Handover
from bot.delivery.limiter import Limiter
from bot.delivery.progress import SPOKEN
from bot.delivery.tables import Delivery
from deployments.errors import Unavailable
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job

log = logging.getLogger(__name__)

IDLE_POLL_S = 0.5

PATIENCE_S = 2.0
"""For so long a hand waits until a chat has room. A chat that needs longer rests, and the hand serves others."""

LONGEST_LANE_S = 60.0
"""For longer, only a pause that Telegram demands keeps a chat from having room for those who wait in its lane."""

FORGET_S = 3600.0


class Courier:
    """Delivers answers. Several may run anywhere; the ledger hands each job to one of them."""

    def __init__(
        self,
        ledger: Ledger,
        sessions: async_sessionmaker[AsyncSession],
        handover: Handover,
        limiter: Limiter,
        *,
        hands: int,
        drain_s: float,
        heartbeat_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``hands`` is how many chats are served at a time; one chat's answers come one after the other.

        The leases of what is in hand are renewed every ``heartbeat_s``.
        """
        self._ledger = ledger
        self._sessions = sessions
        self._handover = handover
        self._limiter = limiter
        self._hands = hands
        self._drain_s = drain_s
        self._heartbeat_s = heartbeat_s
        self._wake = asyncio.Event()
        self._clock = clock
        # Chats, by the first job of what they are served, and until when others rest.
        self._serving: dict[str, int] = {}
        self._resting: dict[int, float] = {}
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
        """One request's jobs that have ended, for a chat that is neither being served already nor at rest."""
        now = self._clock()
        engaged = {*self._serving.values(), *(chat for chat, until in self._resting.items() if until > now)}
        theirs = exists().where(Delivery.job_id == Job.id, Delivery.chat_id.in_(engaged))
        try:
            async with self._sessions.begin() as session:
                first = await self._ledger.claim_delivery(session, channel=CHANNEL, besides=theirs)
                if first is None:
                    return []
                jobs = [first, *await self._ledger.claim_batch(session, first)]
                slip = await session.get(Delivery, first.id)
        except (OSError, SQLAlchemyError):
            log.exception("the ledger is out of reach; trying again")
            return []
        if slip is not None:
            self._serving[first.id] = slip.chat_id
        return jobs

    async def _serve(self, jobs: list[Job]) -> None:
        served = asyncio.Event()
        heartbeat = asyncio.create_task(self._keep(jobs, served))
        try:
            if await self._has_room(jobs):
                await self._handover.answer(jobs)
            else:
                await self._handover.put_off(jobs, 0.0)
        except asyncio.CancelledError:
            await self._handover.put_off(jobs, 0.0)
            raise
        except (OSError, SQLAlchemyError, Unavailable):
            # The leases run out, and somebody delivers these when the ledger, or the store of results, is back.
            log.exception("the ledger or the results were lost while jobs were delivered")
        finally:
            served.set()
            self._serving.pop(jobs[0].id, None)
            self.notice()
            await heartbeat

    async def _has_room(self, jobs: Sequence[Job]) -> bool:
        """Whether the answer can leave within moments; otherwise its chat rests from now on.

        A chat that has rested is served in the order of its lane, for there may always be others who fill its room.
        """
        chat = self._serving.get(jobs[0].id)
        if chat is None:
            return True
        pictures = sum(job.state == State.DONE and job.kind not in SPOKEN for job in jobs)
        wait = await self._limiter.wait(chat, max(1, pictures))
        if wait <= (LONGEST_LANE_S if chat in self._resting else PATIENCE_S):
            self._resting.pop(chat, None)
            return True
        now = self._clock()
        # Those whom another process served meanwhile are still among them.
        self._resting = {other: until for other, until in self._resting.items() if until > now - FORGET_S}
        self._resting[chat] = now + wait
        return False

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
                        await self._ledger.renew(session, job.id, job.token)
