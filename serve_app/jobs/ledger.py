"""Submitting, claiming and finishing jobs so that a crash at any point loses nothing and doubles nothing.

Every method runs inside the caller's session, so that a job and what belongs to it (a reserved credit, say) stand or
fall in one transaction.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CursorResult, and_, func, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from serve_app.jobs.tables import Job, State

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. ``dedupe`` equal to that of an earlier order means: the same order again."""

    kind: str
    channel: str
    owner: str
    request: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    dedupe: str | None = None


class Ledger:
    """The rules of the queue. ``lease_s`` is how long a worker may stay silent before another takes its job over."""

    def __init__(self, *, lease_s: float = 60.0, max_attempts: int = 3, clock: Clock = time.time) -> None:
        self._lease_s = lease_s
        self._max_attempts = max_attempts
        self._clock = clock

    async def submit(self, session: AsyncSession, order: Order) -> tuple[Job, bool]:
        """Record an order. Returns the job and whether it is new; an order seen before returns its first job."""
        if order.dedupe is not None and (known := await self._by_dedupe(session, order.dedupe)):
            return known, False
        job = Job(
            id=uuid.uuid4().hex,
            kind=order.kind,
            channel=order.channel,
            owner=order.owner,
            dedupe=order.dedupe,
            state=State.QUEUED,
            turn=await self._next_turn(session, order.owner),
            request=order.request,
            inputs=order.inputs,
            attempts=0,
            created=self._clock(),
        )
        try:
            async with session.begin_nested():
                session.add(job)
        except IntegrityError:
            # The same order arrived through another replica between the look and the write.
            known = await self._by_dedupe(session, order.dedupe or "")
            if known is None:
                raise
            return known, False
        return job, True

    async def claim(self, session: AsyncSession, *, channel: str | None = None) -> Job | None:
        """Take the next job in fair order, or one whose worker fell silent; None when there is nothing to do.

        The job comes back with a fresh ``lease`` token that every later call about it must show. A job that was given
        up ``max_attempts`` times is failed here.
        """
        return await self._take(session, State.QUEUED, State.RUNNING, channel)

    async def claim_delivery(self, session: AsyncSession, *, channel: str) -> Job | None:
        """Take the next finished job of a push channel whose result nobody is delivering."""
        return await self._take(session, State.DONE, State.DONE, channel)

    async def renew(self, session: AsyncSession, job_id: str, lease: str) -> bool:
        """Say that the work goes on. False when the lease was lost: stop, somebody else has the job."""
        return await self._change(session, job_id, lease, {"lease_until": self._clock() + self._lease_s})

    async def finish(self, session: AsyncSession, job_id: str, lease: str, result: dict[str, Any]) -> bool:
        """Record the result. False when the lease was lost; the result is then nobody's and must be discarded."""
        return await self._end(session, job_id, lease, State.DONE, result=result)

    async def deliver(self, session: AsyncSession, job_id: str, lease: str) -> bool:
        """Record that the result reached its owner."""
        return await self._change(
            session, job_id, lease, {"state": State.DELIVERED, "lease": None, "lease_until": None}
        )

    async def fail(self, session: AsyncSession, job_id: str, lease: str, error: dict[str, Any]) -> bool:
        """Record an error that trying again would not mend."""
        return await self._end(session, job_id, lease, State.FAILED, error=error)

    async def release(self, session: AsyncSession, job_id: str, lease: str) -> bool:
        """Give an unfinished job back at once, as a worker that shuts down does."""
        values = {"state": State.QUEUED, "lease": None, "lease_until": None, "attempts": Job.attempts - 1}
        return await self._change(session, job_id, lease, values)

    async def postpone(self, session: AsyncSession, job_id: str, lease: str, seconds: float) -> bool:
        """Let go of a job that could not be worked on now; it may be claimed again after ``seconds``."""
        values = {"lease": None, "lease_until": self._clock() + seconds}
        return await self._change(session, job_id, lease, values)

    async def cancel(self, session: AsyncSession, job_id: str) -> bool:
        """Withdraw a job that is queued or running. A worker notices when its lease is gone."""
        statement = (
            update(Job)
            .where(Job.id == job_id, Job.state.in_([State.QUEUED, State.RUNNING]))
            .values(state=State.CANCELLED, lease=None, lease_until=None, finished=self._clock())
        )
        return await _changed(session, statement)

    async def position(self, session: AsyncSession, job: Job) -> int:
        """How many jobs are served before this queued one; 0 means it is next."""
        before = tuple_(Job.turn, Job.created, Job.id) < (job.turn, job.created, job.id)
        statement = select(func.count()).select_from(Job).where(Job.state == State.QUEUED, before)
        return (await session.execute(statement)).scalar_one()

    async def waiting(self, session: AsyncSession, owner: str) -> int:
        """How many unfinished jobs an owner has."""
        statement = (
            select(func.count())
            .select_from(Job)
            .where(Job.owner == owner, Job.state.in_([State.QUEUED, State.RUNNING]))
        )
        return (await session.execute(statement)).scalar_one()

    async def forget(self, session: AsyncSession, job_ids: Sequence[str]) -> None:
        """Empty what these jobs say about a person; the rows stay as bare counts."""
        await session.execute(update(Job).where(Job.id.in_(job_ids)).values(request={}, inputs={}, result=None))

    async def _take(self, session: AsyncSession, ready: State, taken: State, channel: str | None) -> Job | None:
        now = self._clock()
        unattended = or_(
            and_(Job.state == ready, or_(Job.lease.is_(None), Job.lease_until < now)),
            and_(Job.state == taken, Job.lease_until < now),
        )
        mine = unattended if channel is None else and_(unattended, Job.channel == channel)
        candidate = (
            select(Job.id)
            .where(mine)
            .order_by(Job.turn, Job.created, Job.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).scalar_subquery()
        statement = (
            update(Job)
            .where(Job.id == candidate, unattended)
            .values(state=taken, lease=uuid.uuid4().hex, lease_until=now + self._lease_s, attempts=Job.attempts + 1)
            .returning(Job)
            .execution_options(populate_existing=True)
        )
        while (job := (await session.execute(statement)).scalar_one_or_none()) is not None:
            if taken is not State.RUNNING or job.attempts <= self._max_attempts:
                return job
            gave_up = {"slug": "internal", "message": "We tried several times and could not finish this."}
            await self.fail(session, job.id, job.lease or "", gave_up)
        return None

    async def _end(self, session: AsyncSession, job_id: str, lease: str, state: State, **values: Any) -> bool:
        values |= {"state": state, "lease": None, "lease_until": None, "attempts": 0, "finished": self._clock()}
        return await self._change(session, job_id, lease, values)

    async def _change(self, session: AsyncSession, job_id: str, lease: str, values: dict[str, Any]) -> bool:
        return await _changed(session, update(Job).where(Job.id == job_id, Job.lease == lease).values(values))

    async def _by_dedupe(self, session: AsyncSession, dedupe: str) -> Job | None:
        return (await session.execute(select(Job).where(Job.dedupe == dedupe))).scalar_one_or_none()

    async def _next_turn(self, session: AsyncSession, owner: str) -> int:
        """Start-time fair queueing: one step behind the owner's last job, but never in the past of the queue.

        Somebody's fifty photos take fifty turns, and whoever comes next with one photo waits for one of them.
        """
        started = select(func.max(Job.turn)).where(Job.state != State.QUEUED)
        own = select(func.max(Job.turn)).where(Job.owner == owner)
        now = (await session.execute(started)).scalar() or 0
        last = (await session.execute(own)).scalar() or 0
        return max(now, last) + 1


async def _changed(session: AsyncSession, statement: Any) -> bool:
    outcome: CursorResult[Any] = await session.execute(statement)  # type: ignore[assignment]  # Core UPDATE
    return outcome.rowcount == 1
