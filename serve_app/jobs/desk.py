"""Jobs that come by HTTP: recorded, worked off, picked up and removed, over the ledger and the object store."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deployments.errors import Busy, Expired, InvalidField, TooLarge, Unavailable, UnknownJob
from deployments.style.query import read_weights
from serve_app.access.guard import ANYONE
from serve_app.duties import beside, keep_doing
from serve_app.inventory import Inventory
from serve_app.jobs.kinds import PERFORM
from serve_app.jobs.ledger import Ledger, Order
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.jobs.worker import VISITOR, Worker
from serve_app.objects import UPLOAD_KEY, UploadTicket, new_key, open_objects
from serve_app.pipeline import Pipeline, Result
from serve_app.settings import Settings
from serve_app.telemetry.metrics import metrics
from serve_app.visitors import visitor

CHANNEL = "http"
# Work of minutes has a queue of its own: nobody who wants a picture now waits behind it.
SLOW_CHANNEL = "slow"
SLOW_KINDS = frozenset({"masterpiece"})
RESTART_S = 1.0
SWEEP_PERIOD_S = 300.0
# So long are jobs known after they ended. A result may be gone long before; its job says since when.
KEEP_JOBS_S = 7 * 86_400.0
COUNT_PERIOD_S = 10.0
UPLOAD_VALID_S = 900
# When there may be room again in a queue that was full: after some jobs of its kind.
RETRY_AFTER_S = {CHANNEL: 10, SLOW_CHANNEL: 120}
JOB_ID = re.compile(r"[0-9a-f]{32}")
# Stands among a job's fields, where it came under an idempotency key, for all that was ordered.
ORDERED = "ordered"


class Sending(NamedTuple):
    """What came under an idempotency key: the key, of its owner, and the order; digests, both of them."""

    dedupe: str
    ordered: str


class Desk:
    """Jobs of the HTTP side. Open between :meth:`open`'s start and end."""

    def __init__(
        self,
        pipeline: Pipeline,
        inventory: Inventory,
        settings: Settings,
        sessions: async_sessionmaker[AsyncSession],
    ) -> None:
        self._pipeline = pipeline
        self._inventory = inventory
        self._keep_s = settings.keep_results_s
        self._max_bytes = settings.limits.max_bytes
        self._limits = {CHANNEL: settings.jobs.quick, SLOW_CHANNEL: settings.jobs.slow}
        self._per_key = settings.jobs.per_key
        self._objects = open_objects(settings)
        self._ledger = Ledger()
        self._sessions = sessions
        self._workers: dict[str, Worker] = {}
        self._counted: set[tuple[str, State]] = set()

    @contextlib.asynccontextmanager
    async def open(self, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[None]:
        """Work jobs off until the block ends, over ``sessions`` of the block's own event loop."""
        self._workers = {
            channel: Worker(self._ledger, sessions, self._objects, self._perform, channel=channel)
            for channel in (CHANNEL, SLOW_CHANNEL)
        }
        async with beside(
            *(keep_doing(worker.run, RESTART_S) for worker in self._workers.values()),
            keep_doing(functools.partial(self._sweep, sessions), min(SWEEP_PERIOD_S, self._keep_s)),
            keep_doing(functools.partial(self._count, sessions), COUNT_PERIOD_S),
        ):
            yield

    async def submit(
        self,
        kind: str,
        photos: Mapping[str, bytes | str],
        fields: dict[str, Any],
        owner: str,
        idempotency_key: str | None = None,
    ) -> Job:
        """Record an order; only then is it acknowledged. ``photos`` are bytes, or the keys of uploads, which it uses up.

        The same order under the same ``idempotency_key`` is one job, however often it comes, until it was removed or its
        result is gone; until then another order under it raises ``InvalidField``.
        Refuses what could not be done when its turn came: raises what the pipeline raises for photos, names and
        capabilities it does not know, and ``Busy`` where too many jobs wait already.
        """
        sending = None if idempotency_key is None else _sending(owner, idempotency_key, kind, fields, photos)
        if sending is not None and (known := await self._known(sending)) is not None:
            return known
        # Before the photos are looked at, and once more when it is recorded: others may have come in between.
        async with self._sessions() as session:
            await self._admit(session, _channel(kind), owner)
        uploads = [photo for photo in photos.values() if isinstance(photo, str)]
        try:
            sent = {
                name: await self.uploaded(photo) if isinstance(photo, str) else photo for name, photo in photos.items()
            }
        except InvalidField:
            # The same order may have come twice at once, and the other taken the uploads along when it was recorded.
            if sending is not None and (known := await self._known(sending)) is not None:
                return known
            raise
        checked = await self._check(kind, sent, fields)
        job = await self._record(kind, checked, fields, owner, sending)
        # It has copies of its own. What cannot be removed now is swept in its time, and no reason to send the order again.
        with contextlib.suppress(Unavailable):
            await asyncio.to_thread(self._objects.delete, uploads)
        return job

    async def ticket(self) -> UploadTicket | None:
        """Leave to upload a photo ahead of its job; None where photos come inside requests only."""
        return await asyncio.to_thread(self._objects.ticket, self._max_bytes, UPLOAD_VALID_S)

    async def uploaded(self, key: str) -> bytes:
        """A photo that was uploaded ahead. Raises ``InvalidField`` when there is none, ``TooLarge``."""
        gone = InvalidField("There is no upload under this key; it may have expired, or been used by a job.")
        if not UPLOAD_KEY.fullmatch(key):
            raise gone
        try:
            # The bucket was given this limit as well, but a server may ignore it.
            if await asyncio.to_thread(self._objects.size, key) > self._max_bytes:
                raise TooLarge(f"The picture has over {self._max_bytes:,} bytes.")
            return await asyncio.to_thread(self._objects.get, key)
        except KeyError:
            raise gone from None

    async def job(self, job_id: str, caller: str) -> Job:
        """A job of the caller's, or of nobody in particular. Raises ``UnknownJob``."""
        job = None
        # PostgreSQL does not take every character in a query.
        if JOB_ID.fullmatch(job_id):
            async with self._sessions() as session:
                job = await session.get(Job, job_id)
        if job is None or job.channel not in {CHANNEL, SLOW_CHANNEL} or job.owner not in {caller, ANYONE}:
            raise UnknownJob("There is no such job.")
        return job

    async def position(self, job: Job) -> int | None:
        """Jobs ahead of a queued one; None when it is not waiting."""
        if job.state != State.QUEUED:
            return None
        async with self._sessions() as session:
            return await self._ledger.position(session, job)

    def expires(self, job: Job) -> float | None:
        """When a finished job's result goes, in Unix seconds; None where there is none."""
        return None if job.result is None or job.finished is None else job.finished + self._keep_s

    async def result(self, job: Job) -> bytes:
        """The finished job's bytes. Raises ``Expired`` when they are gone."""
        try:
            if not self._overdue(job):
                return await asyncio.to_thread(self._objects.get, (job.result or {})["key"])
        except KeyError:
            pass
        raise Expired("The result of this job has expired.")

    async def remove(self, job: Job) -> None:
        """Withdraw the job and everything it stored. Raises ``Unavailable`` where that cannot be; it may be asked for again."""
        async with self._sessions.begin() as session:
            await self._ledger.cancel(session, job.id)
            await self._ledger.outlive(session, job.id)
            # It may have been finished since the caller looked at it.
            latest = await session.get_one(Job, job.id, populate_existing=True)
        keys = [*latest.inputs.values(), *([latest.result["key"]] if latest.result else [])]
        # Objects go first: a row is needed to find them again.
        await asyncio.to_thread(self._objects.delete, keys)
        async with self._sessions.begin() as session:
            await self._ledger.forget(session, [job.id])

    async def _known(self, sending: Sending) -> Job | None:
        """The job of an order seen before. One whose result is gone answers no order any more.

        Raises ``InvalidField`` where its key came with another order.
        """
        async with self._sessions() as session:
            job = await self._ledger.known(session, sending.dedupe)
        if job is None:
            return None
        if not await self._gone(job):
            return _answering(job, sending)
        async with self._sessions.begin() as session:
            await self._ledger.outlive(session, job.id)
        return None

    async def _gone(self, job: Job) -> bool:
        """There was a result, and it is no longer here."""
        if job.result is None:
            return False
        if self._overdue(job):
            return True
        try:
            await asyncio.to_thread(self._objects.size, job.result["key"])
        except KeyError:
            return True
        return False

    def _overdue(self, job: Job) -> bool:
        """The time of its result is over, whether it was swept yet or not."""
        return (expires := self.expires(job)) is not None and expires <= time.time()

    async def _admit(self, session: AsyncSession, channel: str, owner: str) -> None:
        """Raises ``Busy`` where another job is one too many, of the owner's or of everybody's."""
        count, theirs = await self._ledger.unfinished_in(session, channel, owner)
        if owner != ANYONE and theirs >= self._per_key:
            told = f"{theirs} of your jobs are not finished; wait for some of them."
            raise Busy(told, retry_after=RETRY_AFTER_S[channel])
        if count >= self._limits[channel]:
            raise Busy("Too many jobs are waiting already; order this one later.", retry_after=RETRY_AFTER_S[channel])

    async def _check(self, kind: str, photos: Mapping[str, bytes], fields: Mapping[str, Any]) -> dict[str, bytes]:
        """The photos as they are kept: without their metadata."""
        self._pipeline.check(kind)
        styles = [name for name, _ in read_weights(fields.get("style", ()))]
        await self._pipeline.check_names(styles, fields.get("artwork"))
        return {name: (await self._pipeline.open(data)).data for name, data in photos.items()}

    async def _record(
        self, kind: str, photos: Mapping[str, bytes], fields: dict[str, Any], owner: str, sending: Sending | None
    ) -> Job:
        inputs = {name: new_key("in") for name in photos}
        for name, key in inputs.items():
            await asyncio.to_thread(self._objects.put, key, photos[name])
        channel = _channel(kind)
        dedupe, ordered = (None, {}) if sending is None else (sending.dedupe, {ORDERED: sending.ordered})
        request = fields | {VISITOR: visitor()} | ordered
        try:
            async with self._sessions.begin() as session:
                await self._ledger.in_turn(session, channel)
                if dedupe is None or await self._ledger.known(session, dedupe) is None:
                    await self._admit(session, channel, owner)
                job, new = await self._ledger.submit(session, Order(kind, channel, owner, request, inputs, dedupe))
        except Busy:
            await asyncio.to_thread(self._objects.delete, list(inputs.values()))
            raise
        if not new:
            await asyncio.to_thread(self._objects.delete, list(inputs.values()))
        self._workers[channel].notice()
        return job if sending is None else _answering(job, sending)

    async def _perform(self, kind: str, photos: dict[str, bytes], fields: dict[str, Any]) -> Result:
        return await PERFORM[kind](self._pipeline, self._inventory, photos, fields)

    async def _count(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        """Keep the gauges of the queue true, for every channel: the ledger knows them all."""
        async with sessions() as session:
            backlog = await self._ledger.backlog(session)
        self._counted |= set(backlog)
        for channel, state in self._counted:
            count, age = backlog.get((channel, state), (0, 0.0))
            metrics().jobs.set(count, tags={"channel": channel, "state": state})
            if state == State.QUEUED:
                metrics().oldest_job_seconds.set(age, tags={"channel": channel})

    async def _sweep(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        """Remove what nobody will ask for any more. Photos stay until their jobs had their turn, however long that takes."""
        now = time.time()
        async with sessions.begin() as session:
            needed = await self._ledger.needed(session, self._workers)
            await self._ledger.expire(session, self._workers, now - max(KEEP_JOBS_S, self._keep_s))
        await asyncio.to_thread(self._objects.sweep, now - self._keep_s, needed)


def _channel(kind: str) -> str:
    return SLOW_CHANNEL if kind in SLOW_KINDS else CHANNEL


def _sending(owner: str, key: str, kind: str, fields: dict[str, Any], photos: Mapping[str, bytes | str]) -> Sending:
    """What all sendings of one order under one idempotency ``key`` of an owner's have in common."""
    named = hashlib.sha256(json.dumps([owner, key]).encode())
    ordered = hashlib.sha256(json.dumps([kind, fields], sort_keys=True).encode())
    for name, photo in sorted(photos.items()):
        ordered.update(
            hashlib.sha256(name.encode() + b"\0" + (photo.encode() if isinstance(photo, str) else photo)).digest()
        )
    return Sending(f"{CHANNEL}:{named.hexdigest()}", ordered.hexdigest())


def _answering(job: Job, sending: Sending) -> Job:
    """The job that answers ``sending``. Raises ``InvalidField`` where another order came under its key."""
    # All callers without an API key are one owner: a stranger's key answers nobody who does not send the stranger's photo.
    if job.request.get(ORDERED) != sending.ordered:
        told = "Another order came under this Idempotency-Key; every order takes a key of its own."
        raise InvalidField(told, field="header.idempotency-key")
    return job
