"""The counter where HTTP jobs are handed in and picked up: ledger, objects and a worker behind one door."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy.ext.asyncio import async_sessionmaker

from deployments.errors import UnknownJob
from serve_app.database import connect, migrate
from serve_app.inventory import Inventory
from serve_app.jobs.kinds import PERFORM
from serve_app.jobs.ledger import ANYONE, Ledger, Order
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.jobs.worker import Worker
from serve_app.objects import FolderObjects, new_key
from serve_app.pipeline import Picture, Pipeline
from serve_app.settings import Settings

CHANNEL = "http"
SWEEP_PERIOD_S = 300.0


class Desk:
    """Jobs of the HTTP side. Open between :meth:`open`'s start and end."""

    def __init__(self, pipeline: Pipeline, inventory: Inventory, settings: Settings) -> None:
        self.pipeline = pipeline
        self._inventory = inventory
        self._keep_s = settings.keep_results_s
        self._url = settings.sql_url
        self._objects = FolderObjects(settings.objects_dir)
        self._ledger = Ledger()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Bring the schema up to date and work jobs off until the block ends."""
        await asyncio.to_thread(migrate, self._url)
        engine = connect(self._url)
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._worker = Worker(self._ledger, self._sessions, self._objects, self._perform, channel=CHANNEL)
        tasks = [asyncio.create_task(self._worker.run()), asyncio.create_task(self._sweep())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await engine.dispose()

    async def submit(self, kind: str, photos: dict[str, bytes], fields: dict[str, Any]) -> Job:
        """Store the photos, record the order; only then is it acknowledged."""
        inputs = {name: new_key("in") for name in photos}
        for name, key in inputs.items():
            await asyncio.to_thread(self._objects.put, key, photos[name])
        async with self._sessions.begin() as session:
            job, _ = await self._ledger.submit(session, Order(kind, CHANNEL, ANYONE, fields, inputs))
        self._worker.notice()
        return job

    async def job(self, job_id: str) -> Job:
        """Raises ``UnknownJob``."""
        async with self._sessions() as session:
            job = await session.get(Job, job_id)
        if job is None or job.channel != CHANNEL:
            raise UnknownJob("There is no such job.")
        return job

    async def position(self, job: Job) -> int | None:
        """Jobs ahead of a queued one; None when it is not waiting."""
        if job.state != State.QUEUED:
            return None
        async with self._sessions() as session:
            return await self._ledger.position(session, job)

    async def result(self, job: Job) -> bytes:
        """The finished job's bytes. Raises ``UnknownJob`` when they have expired."""
        try:
            return await asyncio.to_thread(self._objects.get, (job.result or {})["key"])
        except KeyError:
            raise UnknownJob("The result of this job has expired.") from None

    async def remove(self, job: Job) -> None:
        """Withdraw the job and everything it stored."""
        async with self._sessions.begin() as session:
            await self._ledger.cancel(session, job.id)
            await self._ledger.forget(session, [job.id])
        keys = [*job.inputs.values(), *([job.result["key"]] if job.result else [])]
        await asyncio.to_thread(self._objects.delete, keys)

    async def _perform(self, kind: str, photos: dict[str, bytes], fields: dict[str, Any]) -> Picture:
        return await PERFORM[kind](self.pipeline, self._inventory, photos, fields)

    async def _sweep(self) -> None:
        while True:
            await asyncio.to_thread(self._objects.sweep, self._keep_s)
            await asyncio.sleep(SWEEP_PERIOD_S)
