"""Where requests stand in the queue, and which status messages are out of date."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.accounts.accounts import CHANNEL
from bot.delivery.tables import Delivery
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job

BEGUN_S = 2.0
"""That the work has begun is news only for those whose result does not follow at once."""

UNFINISHED = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Stale:
    """A status message that is out of date: ``slip`` says what it told, ``position`` is right (None: at work)."""

    slip: Delivery
    position: int | None

    @property
    def wrong_by(self) -> float:
        """How far off its number is, as a person would feel it: the beginning of the work weighs most."""
        if self.position is None or self.slip.position is None:
            return float("inf")
        return abs(self.slip.position - self.position) / (1 + self.position)


class Places:
    """The queue, as people see it. Every method runs inside the caller's session."""

    def __init__(self, ledger: Ledger, *, clock: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._clock = clock

    async def of(self, session: AsyncSession, job_ids: Sequence[str]) -> tuple[Delivery, int | None] | None:
        """A request's first job that is not finished, and the jobs before it (None: it is at work); None if all are."""
        statement = (
            select(Delivery, Job)
            .join(Job, Job.id == Delivery.job_id)
            .where(Job.id.in_(job_ids), Job.state.in_(UNFINISHED))
            .order_by(Job.turn)
            .limit(1)
        )
        found = (await session.execute(statement)).first()
        if found is None:
            return None
        slip, job = found
        return slip, await self._ledger.position(session, job) if job.state == State.QUEUED else None

    async def unfinished(self, session: AsyncSession, job_ids: Sequence[str]) -> set[str]:
        """Those of the jobs that are queued or at work."""
        statement = select(Job.id).where(Job.id.in_(job_ids), Job.state.in_(UNFINISHED))
        return set((await session.execute(statement)).scalars())

    async def untold(self, session: AsyncSession) -> list[tuple[tuple[str, ...], Delivery]]:
        """The requests that nobody has told of, each by its unfinished jobs and the first one's delivery."""
        statement = (
            select(Delivery, Job.batch)
            .join(Job, Job.id == Delivery.job_id)
            .where(
                Job.channel == CHANNEL,
                Job.state.in_(UNFINISHED),
                Delivery.status_id.is_(None),
                Delivery.position.is_(None),
            )
            .order_by(Job.turn)
        )
        requests: dict[str, list[Delivery]] = {}
        for slip, batch in await session.execute(statement):
            requests.setdefault(batch or slip.job_id, []).append(slip)
        return [(tuple(slip.job_id for slip in slips), slips[0]) for slips in requests.values()]

    async def stale(self, session: AsyncSession) -> list[Stale]:
        """The status messages that are out of date, those that are wrong by most first."""
        places = {job_id: place for place, job_id in enumerate(await self._ledger.queue(session, CHANNEL))}
        statement = (
            select(Delivery, Job.state, Job.started)
            .join(Job, Job.id == Delivery.job_id)
            .where(Job.channel == CHANNEL, Job.state.in_(UNFINISHED), Delivery.status_id.is_not(None))
            .order_by(Job.turn)
        )
        # A request of several jobs has one message; its first unfinished job speaks for it.
        first: dict[tuple[int, int | None], Stale] = {}
        fresh: set[tuple[int, int | None]] = set()
        for slip, state, started in await session.execute(statement):
            message = (slip.chat_id, slip.status_id)
            at_work = state == State.RUNNING
            if message not in first and at_work and (started or 0.0) > self._clock() - BEGUN_S:
                fresh.add(message)
            first.setdefault(message, Stale(slip, None if at_work else places.get(slip.job_id)))
        wrong = [stale for stale in first.values() if stale.position != stale.slip.position]
        news = [stale for stale in wrong if (stale.slip.chat_id, stale.slip.status_id) not in fresh]
        return sorted(news, key=lambda stale: stale.wrong_by, reverse=True)
