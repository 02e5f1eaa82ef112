"""Submitting, claiming and finishing jobs so that a crash at any point loses nothing and doubles nothing.

Every method runs inside the caller's session, so that a job and what belongs to it (a reserved credit, say) stand or
fall in one transaction.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, case, delete, exists, func, or_, select, true, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from serve_app.jobs.states import State
from serve_app.jobs.tables import Job

Clock = Callable[[], float]

_WAITING: dict[str, Any] = {"state": State.QUEUED, "lease": None, "progress": None}

# The first half of PostgreSQL's advisory locks on channels; the second is the channel's.
QUEUE_LOCK = 0x6A6F6273

GAVE_UP = {"slug": "internal", "message": "We tried several times and could not finish this.", "status": 500}


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. ``dedupe`` equal to that of an earlier order means: the same order again.

    An owner's orders of one ``batch`` belong together: their answers are delivered at one time, when all of them have ended.
    """

    kind: str
    channel: str
    owner: str
    request: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    dedupe: str | None = None
    batch: str | None = None


class Ledger:
    """The rules of the queue. ``lease_s`` is how long a worker may stay silent before another takes its job over."""

    def __init__(self, *, lease_s: float = 60.0, max_attempts: int = 3, clock: Clock = time.time) -> None:
        self._lease_s = lease_s
        self._max_attempts = max_attempts
        self._clock = clock

    async def in_turn(self, session: AsyncSession, channel: str) -> None:
        """Wait until nobody else is in the middle of this for a channel; nobody else is before the transaction ends.

        What is counted from now on stays true as long as all who add to the channel come this way.
        """
        # On SQLite every transaction is such a lock.
        if session.get_bind().dialect.name == "postgresql":
            await session.execute(select(func.pg_advisory_xact_lock(QUEUE_LOCK, func.hashtext(channel))))

    async def submit(self, session: AsyncSession, order: Order) -> tuple[Job, bool]:
        """Record an order. Returns the job and whether it is new; an order seen before returns its first job."""
        if order.dedupe is not None and (known := await self.known(session, order.dedupe)):
            return known, False
        job = Job(
            id=uuid.uuid4().hex,
            kind=order.kind,
            channel=order.channel,
            owner=order.owner,
            dedupe=order.dedupe,
            batch=order.batch,
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
            known = await self.known(session, order.dedupe or "")
            if known is None:
                raise
            return known, False
        return job, True

    async def known(self, session: AsyncSession, dedupe: str) -> Job | None:
        """The job of an order seen before."""
        return (await session.execute(select(Job).where(Job.dedupe == dedupe))).scalar_one_or_none()

    async def outlive(self, session: AsyncSession, job_id: str) -> None:
        """From now on the order of this job, sent again, is a new one."""
        await session.execute(update(Job).where(Job.id == job_id).values(dedupe=None))

    async def claim(self, session: AsyncSession, *, channel: str | None = None) -> Job | None:
        """Take the next job in fair order, or one whose worker fell silent; None when there is nothing to do.

        The job comes back with a fresh ``lease`` token that every later call about it must show. A job that was given
        up ``max_attempts`` times is failed here.
        """
        ready = or_(
            and_(Job.state == State.QUEUED, self._free()),
            and_(Job.state == State.RUNNING, Job.lease_until < self._clock()),
        )
        mine = ready if channel is None else and_(ready, Job.channel == channel)
        started = func.coalesce(Job.started, self._clock())
        while (job := await self._take(session, mine, state=State.RUNNING, started=started)) is not None:
            if job.attempts <= self._max_attempts:
                return job
            await self.fail(session, job.id, job.token, job.error or GAVE_UP)
        return None

    async def claim_delivery(
        self, session: AsyncSession, *, channel: str, besides: ColumnElement[bool] | None = None
    ) -> Job | None:
        """Take the next job of a push channel that has a result, or an error, its owner does not know of yet.

        Of a batch it is the first, once all of the batch have ended: take the others with :meth:`claim_batch`. Jobs of
        which ``besides`` holds are passed over.
        """
        other = aliased(Job)
        earlier = or_(_unfinished(other), and_(_undelivered(other), other.turn < Job.turn))
        ready = and_(
            _undelivered(Job),
            self._free(),
            Job.channel == channel,
            true() if besides is None else ~besides,
            ~exists().where(other.batch == Job.batch, other.owner == Job.owner, other.id != Job.id, earlier),
        )
        return await self._take(session, ready)

    async def claim_batch(self, session: AsyncSession, first: Job) -> list[Job]:
        """Take the other jobs of a claimed job's batch that are to be delivered, under the same lease, in order."""
        if first.batch is None:
            return []
        statement = (
            update(Job)
            .where(
                Job.batch == first.batch,
                Job.owner == first.owner,
                Job.id != first.id,
                _undelivered(Job),
                self._free(),
            )
            .values(lease=first.lease, lease_until=first.lease_until, attempts=Job.attempts + 1)
            .returning(Job)
            .execution_options(populate_existing=True)
        )
        return sorted((await session.execute(statement)).scalars(), key=lambda job: job.turn)

    async def renew(self, session: AsyncSession, job_id: str, lease: str) -> bool:
        """Say that the work goes on. False when the lease was lost: stop, somebody else has the job."""
        return await self._change(session, job_id, lease, {"lease_until": self._clock() + self._lease_s})

    async def advance(self, session: AsyncSession, job_id: str, lease: str, progress: float) -> bool:
        """Say how much is done, 0..1, and that the work goes on. False when the lease was lost: stop."""
        values = {"progress": progress, "lease_until": self._clock() + self._lease_s}
        return await self._change(session, job_id, lease, values)

    async def finish(self, session: AsyncSession, job_id: str, lease: str, result: dict[str, Any]) -> bool:
        """Record the result. False when the lease was lost; the result is then nobody's and must be discarded."""
        return await self._end(session, job_id, lease, State.DONE, result=result, error=None)

    async def deliver(self, session: AsyncSession, job_id: str, lease: str) -> bool:
        """Record that the result, or the news that there is none, reached its owner."""
        state = case((Job.state == State.FAILED, State.FAILED), else_=State.DELIVERED)
        values = {"state": state, "lease": None, "lease_until": None, "delivered": self._clock()}
        return await self._change(session, job_id, lease, values)

    async def undeliverable(self, session: AsyncSession, job_id: str, lease: str, error: dict[str, Any]) -> bool:
        """Record that there is nobody to take the result, or no way to hand it over: the job failed after all."""
        values = {"state": State.FAILED, "error": error, "lease": None, "lease_until": None}
        return await self._change(session, job_id, lease, values | {"delivered": self._clock()})

    async def fail(self, session: AsyncSession, job_id: str, lease: str, error: dict[str, Any]) -> bool:
        """Record an error that trying again would not mend."""
        return await self._end(session, job_id, lease, State.FAILED, error=error)

    async def release(self, session: AsyncSession, job_id: str, lease: str) -> bool:
        """Give an unfinished job back at once, as a worker that shuts down does. What was done of it is lost."""
        values = _WAITING | {"lease_until": None, "attempts": Job.attempts - 1}
        return await self._change(session, job_id, lease, values)

    async def postpone(self, session: AsyncSession, job_id: str, lease: str, seconds: float) -> bool:
        """Let go of a job that could not be delivered now; it may be claimed again after ``seconds``."""
        values = {"lease": None, "lease_until": self._clock() + seconds}
        return await self._change(session, job_id, lease, values)

    async def put_back(
        self, session: AsyncSession, job_id: str, lease: str, seconds: float, error: dict[str, Any], *, attempted: bool
    ) -> bool:
        """The same for work that failed of ``error``, which waits again: should there be no attempts left, the job fails of it.

        Work that nobody had room for was not ``attempted``.
        """
        values = _WAITING | {"lease_until": self._clock() + seconds, "error": error}
        return await self._change(
            session, job_id, lease, values | ({} if attempted else {"attempts": Job.attempts - 1})
        )

    async def cancel(self, session: AsyncSession, job_id: str) -> bool:
        """Withdraw a job that is queued or running. A worker notices when its lease is gone."""
        statement = (
            update(Job)
            .where(Job.id == job_id, _unfinished(Job))
            .values(state=State.CANCELLED, lease=None, lease_until=None, finished=self._clock())
        )
        return await _changed(session, statement)

    async def position(self, session: AsyncSession, job: Job) -> int:
        """How many jobs are served before this queued one; 0 means it is next."""
        before = tuple_(Job.turn, Job.created, Job.id) < (job.turn, job.created, job.id)
        queue = select(func.count()).select_from(Job).where(Job.state == State.QUEUED, Job.channel == job.channel)
        return (await session.execute(queue.where(before))).scalar_one()

    async def queue(self, session: AsyncSession, channel: str) -> list[str]:
        """A channel's waiting jobs in the order they will be served."""
        statement = select(Job.id).where(Job.state == State.QUEUED, Job.channel == channel)
        return list((await session.execute(statement.order_by(Job.turn, Job.created, Job.id))).scalars())

    async def backlog(self, session: AsyncSession) -> dict[tuple[str, State], tuple[int, float]]:
        """By channel and state, of the jobs not yet ended: how many, and the age of the oldest in seconds."""
        statement = (
            select(Job.channel, Job.state, func.count(), func.min(Job.created))
            .where(_unfinished(Job))
            .group_by(Job.channel, Job.state)
        )
        now = self._clock()
        rows = (await session.execute(statement)).all()
        return {(channel, State(state)): (count, now - oldest) for channel, state, count, oldest in rows}

    async def needed(self, session: AsyncSession, channels: Collection[str]) -> set[str]:
        """The keys of all photos that jobs of these channels have yet to be done with."""
        jobs = select(Job.inputs).where(Job.channel.in_(channels), _unfinished(Job))
        inputs = (await session.execute(jobs)).scalars()
        return {key for named in inputs for key in named.values()}

    async def unfinished_in(self, session: AsyncSession, channel: str, owner: str) -> tuple[int, int]:
        """How many jobs of a channel wait or run, and how many of these are an owner's."""
        own = func.count().filter(Job.owner == owner)
        counts = select(func.count(), own).select_from(Job).where(Job.channel == channel, _unfinished(Job))
        count, theirs = (await session.execute(counts)).one()
        return count, theirs

    async def unfinished_of(self, session: AsyncSession, owner: str) -> int:
        """How many jobs of an owner wait or run, whatever their channel."""
        counts = select(func.count()).select_from(Job).where(Job.owner == owner, _unfinished(Job))
        return (await session.execute(counts)).scalar_one()

    async def forget(self, session: AsyncSession, job_ids: Sequence[str]) -> None:
        """Empty what these jobs say about a person; the rows stay as bare counts, by the kind of what went wrong."""
        await self._empty(session, Job.id.in_(job_ids))

    async def expire(self, session: AsyncSession, channels: Collection[str], before: float) -> None:
        """Remove these channels' jobs that ended before then (Unix seconds): nobody knows of them any more."""
        await session.execute(delete(Job).where(Job.channel.in_(channels), Job.finished < before))

    async def withdraw(self, session: AsyncSession, owner: str, successor: str) -> list[str]:
        """Take back everything an owner ordered, finished or not, and empty what it says about them.

        The rows stay as bare counts under ``successor``, a name that means nobody. Returns the keys of the objects they
        named.
        """
        # Locked in the order in which a batch is delivered, so that nobody who holds one of these waits for another.
        named = select(Job.inputs, Job.result).where(Job.owner == owner).order_by(Job.turn).with_for_update()
        keys: list[str] = []
        for inputs, result in await session.execute(named):
            keys += [*inputs.values(), *([result["key"]] if result else [])]
        open_states = [State.QUEUED, State.RUNNING, State.DONE]
        values: dict[str, Any] = {
            "state": case((Job.state.in_(open_states), State.CANCELLED), else_=Job.state),
            "finished": func.coalesce(Job.finished, self._clock()),
            "delivered": func.coalesce(Job.delivered, self._clock()),
            "owner": successor,
            "lease": None,
            "lease_until": None,
        }
        await self._empty(session, Job.owner == owner, **values)
        return keys

    async def _empty(self, session: AsyncSession, these: ColumnElement[bool], **more: Any) -> None:
        """An error in words says something of a picture, and so of a person; its slug is counted."""
        failed = select(Job.id, Job.error).where(these, Job.error.is_not(None)).order_by(Job.turn)
        for job_id, error in (await session.execute(failed)).all():
            if error is not None:
                slug = update(Job).where(Job.id == job_id).values(error={"slug": error["slug"]})
                await session.execute(slug)
        await session.execute(update(Job).where(these).values(more | {"request": {}, "inputs": {}, "result": None}))

    def _free(self) -> ColumnElement[bool]:
        """Nobody is at it, and it was not put off until later."""
        return or_(Job.lease_until.is_(None), Job.lease_until < self._clock())

    async def _take(self, session: AsyncSession, ready: ColumnElement[bool], **values: Any) -> Job | None:
        """Lease the first job that is ``ready``, in fair order."""
        candidate = (
            select(Job.id)
            .where(ready)
            .order_by(Job.turn, Job.created, Job.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).scalar_subquery()
        statement = (
            update(Job)
            .where(Job.id == candidate, ready)
            .values(
                lease=uuid.uuid4().hex, lease_until=self._clock() + self._lease_s, attempts=Job.attempts + 1, **values
            )
            .returning(Job)
            .execution_options(populate_existing=True)
        )
        return (await session.execute(statement)).scalar_one_or_none()

    async def _end(self, session: AsyncSession, job_id: str, lease: str, state: State, **values: Any) -> bool:
        values |= {"state": state, "lease": None, "lease_until": None, "attempts": 0, "finished": self._clock()}
        return await self._change(session, job_id, lease, values)

    async def _change(self, session: AsyncSession, job_id: str, lease: str, values: dict[str, Any]) -> bool:
        return await _changed(session, update(Job).where(Job.id == job_id, Job.lease == lease).values(values))

    async def _next_turn(self, session: AsyncSession, owner: str) -> int:
        """Start-time fair queueing: one step behind the owner's last job, but never in the past of the queue.

        Somebody's fifty photos take fifty turns, and whoever comes next with one photo waits for one of them.
        """
        own = select(func.max(Job.turn)).where(Job.owner == owner)
        # Begun, and not by state: a job that was put back has had its turn. It is one look into an index of its own.
        begun = select(func.max(Job.turn)).where(Job.started.is_not(None))
        looks = select(own.scalar_subquery(), begun.scalar_subquery())
        return max(turn or 0 for turn in (await session.execute(looks)).one()) + 1


def _unfinished(job: type[Job]) -> ColumnElement[bool]:
    """It waits or runs."""
    return job.state.in_([State.QUEUED, State.RUNNING])


def _undelivered(job: type[Job]) -> ColumnElement[bool]:
    """It has ended, and its owner does not know."""
    return or_(job.state == State.DONE, and_(job.state == State.FAILED, job.delivered.is_(None)))


async def _changed(session: AsyncSession, statement: Any) -> bool:
    outcome: CursorResult[Any] = await session.execute(statement)  # type: ignore[assignment]  # Core UPDATE
    return outcome.rowcount == 1
