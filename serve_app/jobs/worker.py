"""Works the ledger off: claim, perform, store, finish, with a heartbeat that keeps the lease alive."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deployments.errors import Busy, Expired, MasqueradeError, Unavailable
from serve_app.duties import beside, called_off
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.progress import Withdrawn, reporting
from serve_app.jobs.tables import Job
from serve_app.objects import ObjectStore, new_key
from serve_app.pipeline import Result
from serve_app.visitors import pseudonym, visiting

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Perform = Callable[[str, dict[str, bytes], dict[str, Any]], Awaitable[Result]]
Around = Callable[[str], contextlib.AbstractAsyncContextManager[Any]]

IDLE_POLL_S = 1.0
"""How long an idle worker rests: until another replica's job, or one that was put back, is seen. Its own are noticed."""

VISITOR = "visitor"
"""Stands among a job's fields for whoever handed it in (:mod:`serve_app.visitors`), where that is not its owner."""


class Worker:
    """One worker of one channel. Several may run anywhere; the ledger hands each job to one of them."""

    def __init__(
        self,
        ledger: Ledger,
        sessions: async_sessionmaker[AsyncSession],
        objects: ObjectStore,
        perform: Perform,
        *,
        channel: str,
        heartbeat_s: float = 15.0,
        around: Around = contextlib.nullcontext,
    ) -> None:
        """``perform`` takes a job's kind, its photos and its fields.

        ``around`` is given a job's id and entered before the work on it; it is left when the outcome is in the ledger.
        """
        self._ledger = ledger
        self._sessions = sessions
        self._objects = objects
        self._perform = perform
        self._channel = channel
        self._heartbeat_s = heartbeat_s
        self._around = around
        self._wake = asyncio.Event()

    def notice(self) -> None:
        """There is a new job: look now instead of at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled, when a job in hand is given back. Raises when the ledger or the objects are out of reach."""
        while True:
            # Before the look: what comes during it is noticed.
            self._wake.clear()
            if not await self.work_once():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_POLL_S):
                        await self._wake.wait()

    async def work_once(self) -> bool:
        """Do one job. False when there was none."""
        claimed: tuple[str, str] | None = None
        try:
            async with self._sessions.begin() as session:
                job = await self._ledger.claim(session, channel=self._channel)
                if job is None:
                    return False
                claimed = job.id, job.token
            async with beside(self._keep(job)), self._around(job.id):
                await self._do(job)
        finally:
            # Of a claim that was cut short while it was committed, nobody knows whether it was.
            if claimed is not None and called_off():
                async with self._sessions.begin() as session:
                    await self._ledger.release(session, *claimed)
        return True

    async def _do(self, job: Job) -> None:
        lease = job.token
        try:
            photos = await self._photos(job)
            fields = dict(job.request)
            who = fields.pop(VISITOR, None) or pseudonym(f"{job.channel}:{job.owner}")
            with visiting(who), reporting(functools.partial(self._advance, job)):
                made = await self._perform(job.kind, photos, fields)
            result = await self._stored(made)
        except (Busy, Unavailable) as error:
            # Not the job's fault: somebody tries again, until the attempts run out. Waiting for room is no attempt.
            log.info("job %s waits: %s", job.id, error.message)
            pause_s, attempted = float(error.details.get("retry_after", 2)), not isinstance(error, Busy)
            async with self._sessions.begin() as session:
                await self._ledger.put_back(session, job.id, lease, pause_s, _recorded(error), attempted=attempted)
            return
        except Withdrawn:
            log.info("job %s was withdrawn in the middle", job.id)
            return
        except MasqueradeError as error:
            await self._fail(job, _recorded(error))
            return
        except (OSError, SQLAlchemyError):
            # The objects or the ledger are out of reach: the lease runs out, and somebody tries again.
            raise
        except Exception:
            if called_off():
                raise
            log.exception("job %s failed", job.id)
            await self._fail(job, {"slug": "internal", "message": "This is our fault, not yours.", "status": 500})
            return
        async with self._sessions.begin() as session:
            kept = await self._ledger.finish(session, job.id, lease, result)
        if not kept:
            await asyncio.to_thread(self._objects.delete, [result["key"]])

    async def _photos(self, job: Job) -> dict[str, bytes]:
        try:
            return {field: await self._reach(self._objects.get, key) for field, key in job.inputs.items()}
        except KeyError:
            # Swept away before the job's turn came.
            raise Expired("The photo is no longer here.") from None

    async def _stored(self, made: Result) -> dict[str, Any]:
        """What the ledger keeps of a result that is in the object store now."""
        key = new_key("out")
        await self._reach(self._objects.put, key, made.data)
        notes = {"notes": list(made.notes)} if made.notes else {}
        return {"key": key, "media_type": made.media_type, "models": list(made.models)} | notes

    async def _reach(self, ask: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
        """What the objects answer. Raises an ``OSError`` where they are out of reach: no work of the job's is."""
        try:
            return await asyncio.to_thread(ask, *arguments, **more)
        except Unavailable as error:
            raise ConnectionError("the objects are out of reach") from error

    async def _advance(self, job: Job, share: float) -> bool:
        async with self._sessions.begin() as session:
            return await self._ledger.advance(session, job.id, job.token, share)

    async def _fail(self, job: Job, error: dict[str, Any]) -> None:
        async with self._sessions.begin() as session:
            await self._ledger.fail(session, job.id, job.token, error)

    async def _keep(self, job: Job) -> None:
        """The job stays this worker's while this goes on."""
        kept = True
        while kept and not called_off():
            await asyncio.sleep(self._heartbeat_s)
            # One renewal may fail: the next one comes before the lease runs out.
            with contextlib.suppress(OSError, SQLAlchemyError):
                async with self._sessions.begin() as session:
                    kept = await self._ledger.renew(session, job.id, job.token)


def _recorded(error: MasqueradeError) -> dict[str, Any]:
    """An error as the ledger keeps it."""
    return {"slug": error.slug, "message": error.message, "status": error.status} | error.details
