"""A worker lets nothing go but what is done: not where database or disk fail it, and not where it is called off."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deployments.errors import Busy, Unavailable
from serve_app.database import connect
from serve_app.duties import keep_doing
from serve_app.jobs.ledger import Ledger, Order
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.jobs.worker import Worker
from serve_app.objects import FolderObjects, new_key, out_of_reach
from serve_app.pipeline import Result
from serve_app.visitors import pseudonym, visitor
from tests.clock import Clock
from tests.eventually import until

Sessions = async_sessionmaker[AsyncSession]

LOST = OperationalError("select", {}, OSError("the connection is closed"))


class Unreliable:
    """Sessions of a database that may be out of reach."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.failures = 0
        self.asked = 0

    def __call__(self) -> AsyncSession:
        return self._sessions()

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        self.asked += 1
        if self.failures > 0:
            self.failures -= 1
            raise LOST
        async with self._sessions.begin() as session:
            yield session


@pytest.fixture
async def sessions(migrated_file: Path, tmp_path: Path) -> AsyncIterator[Sessions]:
    shutil.copy(migrated_file, tmp_path / "studio.db")
    engine = connect(f"sqlite+aiosqlite:///{tmp_path}/studio.db")
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(max_attempts=3, clock=clock)


class Objects(FolderObjects):
    """A folder that is out of reach as often as it is told: its disk is full, or its file system away."""

    lost = 0

    def put(self, key: str, data: bytes) -> None:
        self._reached_or_not()
        super().put(key, data)

    def get(self, key: str) -> bytes:
        self._reached_or_not()
        return super().get(key)

    def _reached_or_not(self) -> None:
        if self.lost:
            self.lost -= 1
            raise out_of_reach()


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


@pytest.fixture
def make(ledger: Ledger, sessions: Sessions, objects: Objects) -> Callable[..., Worker]:
    def worker(perform: Any, sessions: Any = sessions, heartbeat_s: float = 15.0) -> Worker:
        return Worker(ledger, sessions, objects, perform, channel="http", heartbeat_s=heartbeat_s)

    return worker


async def ordered(ledger: Ledger, sessions: Sessions, **inputs: str) -> str:
    async with sessions.begin() as session:
        job, _ = await ledger.submit(session, Order("style", "http", "anna", inputs=inputs))
    return job.id


async def job_of(sessions: Sessions, job_id: str) -> Job:
    async with sessions() as session:
        return await session.get_one(Job, job_id)


async def at_once(_kind: str, _photos: dict[str, bytes], _fields: dict[str, Any]) -> Result:
    return Result(b"a picture", "image/jpeg", ("painter@v1",))


async def test_the_work_of_another_channel_is_left_to_its_own_workers(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker]
) -> None:
    async with sessions.begin() as session:
        theirs, _ = await ledger.submit(session, Order("style", "telegram", "anna"))
    mine = await ordered(ledger, sessions)
    worker = make(at_once)
    assert [await worker.work_once() for _ in range(2)] == [True, False]
    assert (await job_of(sessions, mine)).state == State.DONE
    assert (await job_of(sessions, theirs.id)).state == State.QUEUED


async def test_a_database_that_is_lost_for_once_ends_no_worker(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker]
) -> None:
    unreliable = Unreliable(sessions)
    unreliable.failures = 1
    task = asyncio.create_task(keep_doing(make(at_once, unreliable).run, 0.0))
    job_id = await ordered(ledger, sessions)

    async def done() -> bool:
        return (await job_of(sessions, job_id)).state == State.DONE

    await until(done)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_job_that_comes_while_the_worker_looks_is_begun_at_once(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve_app.jobs.worker.IDLE_POLL_S", 3600.0)
    worker, ids = make(at_once), list[str]()
    look = worker.work_once

    async def work_once() -> bool:
        worked = await look()
        if not ids:
            ids.append(await ordered(ledger, sessions))
            worker.notice()
        return worked

    monkeypatch.setattr(worker, "work_once", work_once)
    task = asyncio.create_task(worker.run())

    async def done() -> bool:
        return bool(ids) and (await job_of(sessions, ids[0])).state == State.DONE

    await until(done)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_job_is_worked_on_for_whoever_handed_it_in(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker]
) -> None:
    seen: list[tuple[str | None, dict[str, Any]]] = []

    async def noted(kind: str, photos: dict[str, bytes], fields: dict[str, Any]) -> Result:
        seen.append((visitor(), fields))
        return await at_once(kind, photos, fields)

    async with sessions.begin() as session:
        await ledger.submit(session, Order("style", "http", "anna", {"style": "wave", "visitor": "somebody"}))
        await ledger.submit(session, Order("style", "http", "anna", {"style": "wave"}))
    worker = make(noted)
    while await worker.work_once():
        pass
    assert seen == [("somebody", {"style": "wave"}), (pseudonym("http:anna"), {"style": "wave"})]


async def test_a_heartbeat_survives_a_database_that_is_lost_for_once(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker]
) -> None:
    unreliable, enough = Unreliable(sessions), asyncio.Event()

    async def long(*_: Any) -> Result:
        unreliable.failures = 1
        await enough.wait()
        return await at_once("style", {}, {})

    job_id = await ordered(ledger, sessions)
    task = asyncio.create_task(make(long, unreliable, heartbeat_s=0.01).work_once())

    async def beaten_again() -> bool:
        return unreliable.asked > 3

    await until(beaten_again)
    enough.set()
    assert await task
    assert (await job_of(sessions, job_id)).state == State.DONE


async def test_who_is_called_off_in_work_gives_the_job_back(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker]
) -> None:
    begun = asyncio.Event()

    async def broken_off(*_: Any) -> Result:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            # As where a connection is closed under a query that is called off.
            raise RuntimeError("something else broke on the way out")

    job_id = await ordered(ledger, sessions)
    task = asyncio.create_task(keep_doing(make(broken_off).run, 0.0))
    await begun.wait()
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(task, return_exceptions=True)
    job = await job_of(sessions, job_id)
    assert (job.state, job.attempts, job.lease) == (State.QUEUED, 0, None)


async def test_who_is_called_off_while_the_claim_is_recorded_gives_the_job_back(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker]
) -> None:
    job_id = await ordered(ledger, sessions)
    working = asyncio.create_task(make(at_once).work_once())
    engine = sessions.kw["bind"].sync_engine
    event.listen(engine, "commit", lambda _connection: working.cancel(), once=True)
    await asyncio.gather(working, return_exceptions=True)
    assert working.cancelled()
    job = await job_of(sessions, job_id)
    assert (job.state, job.lease, job.attempts) == (State.QUEUED, None, 0)


async def test_who_is_called_off_while_the_database_is_lost_ends_all_the_same(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker]
) -> None:
    unreliable, begun = Unreliable(sessions), asyncio.Event()

    async def long(*_: Any) -> Result:
        begun.set()
        unreliable.failures = 1000
        await asyncio.sleep(3600)
        raise AssertionError

    await ordered(ledger, sessions)
    task = asyncio.create_task(keep_doing(make(long, unreliable).run, 0.0))
    await begun.wait()
    task.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(task, return_exceptions=True)


async def test_waiting_for_room_is_no_attempt(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker], clock: Clock
) -> None:
    crowded = 10

    async def perform(*_: Any) -> Result:
        nonlocal crowded
        crowded -= 1
        if crowded:
            raise Busy("Too many people are here.", retry_after=2)
        return await at_once("style", {}, {})

    job_id, worker = await ordered(ledger, sessions), make(perform)
    while await worker.work_once():
        clock.now += 3
    assert (await job_of(sessions, job_id)).state == State.DONE


@pytest.mark.parametrize(("told", "pause_s"), [({"retry_after": 5}, 5), ({}, 2)])
async def test_what_is_away_is_tried_again_when_it_says_or_in_a_little_while(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker], clock: Clock, told: dict[str, int], pause_s: float
) -> None:
    async def perform(*_: Any) -> Result:
        raise Unavailable("Style is restarting.", **told)

    job_id = await ordered(ledger, sessions)
    assert await make(perform).work_once()
    assert (await job_of(sessions, job_id)).lease_until == clock.now + pause_s


async def test_a_job_that_is_given_up_says_what_it_waited_for(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker], clock: Clock
) -> None:
    async def perform(*_: Any) -> Result:
        raise Unavailable("Style is restarting.", retry_after=5)

    job_id, worker = await ordered(ledger, sessions), make(perform)
    while await worker.work_once():
        clock.now += 6
    job = await job_of(sessions, job_id)
    assert job.state == State.FAILED
    assert job.error is not None
    assert (job.error["slug"], job.error["status"]) == ("unavailable", 503)


async def test_a_job_that_went_well_in_the_end_holds_no_error(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker], clock: Clock
) -> None:
    restarting = [Unavailable("Style is restarting.", retry_after=5)]

    async def perform(*_: Any) -> Result:
        if restarting:
            raise restarting.pop()
        return await at_once("style", {}, {})

    job_id, worker = await ordered(ledger, sessions), make(perform)
    while await worker.work_once():
        clock.now += 6
    job = await job_of(sessions, job_id)
    assert (job.state, job.error) == (State.DONE, None)


@pytest.mark.parametrize("at", ["its photos", "its result"])
async def test_a_store_that_is_lost_costs_a_job_time_and_not_its_life(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker], objects: Objects, clock: Clock, at: str
) -> None:
    photo = new_key("in")
    objects.put(photo, b"a photo")
    job_id = await ordered(ledger, sessions, **({"image": photo} if at == "its photos" else {}))
    worker, objects.lost = make(at_once), 1
    with pytest.raises(OSError, match="out of reach"):
        await worker.work_once()
    job = await job_of(sessions, job_id)
    assert (job.state, job.lease_until) == (State.RUNNING, clock.now + 60)
    clock.now += 3600
    assert await worker.work_once()
    assert (await job_of(sessions, job_id)).state == State.DONE


async def test_a_photo_that_was_swept_away_is_told_and_a_bug_is_not_taken_for_it(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker]
) -> None:
    async def bitten(*_: Any) -> Result:
        raise KeyError("no such thing in a table of ours")

    async def told(perform: Any, **inputs: str) -> tuple[str, int]:
        job_id = await ordered(ledger, sessions, **inputs)
        assert await make(perform).work_once()
        error = (await job_of(sessions, job_id)).error
        assert error is not None
        return error["slug"], error["status"]

    assert await told(bitten) == ("internal", 500)
    assert await told(at_once, image=new_key("in")) == ("expired", 410)


async def test_a_picture_made_under_a_lost_lease_is_not_kept(
    ledger: Ledger, sessions: Sessions, make: Callable[..., Worker], objects: Objects, clock: Clock
) -> None:
    """Somebody fell silent over a job and another finished it: what comes afterwards is nobody's."""

    async def asleep(*_: Any) -> Result:
        clock.now += 61
        assert await make(at_once).work_once()
        return Result(b"too late", "image/jpeg", ("painter@v1",))

    job_id = await ordered(ledger, sessions)
    assert await make(asleep).work_once()
    job = await job_of(sessions, job_id)
    assert job.result is not None
    assert objects.get(job.result["key"]) == b"a picture"
    assert objects.sweep(time.time() + 60) == 1
