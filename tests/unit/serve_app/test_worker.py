"""What a worker does with a job when the studio, the objects or the ledger are not there for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deployments.errors import Busy, Unavailable
from serve_app.database import Base, connect
from serve_app.jobs.ledger import Ledger, Order
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.jobs.worker import Worker
from serve_app.objects import FolderObjects, new_key
from serve_app.pipeline import Picture

Sessions = async_sessionmaker[AsyncSession]

LEASE_S, MAX_ATTEMPTS = 60.0, 3


class Clock:
    """Goes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(lease_s=LEASE_S, max_attempts=MAX_ATTEMPTS, clock=clock)


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[Sessions]:
    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'jobs.db'}")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


class Objects(FolderObjects):
    """A folder whose disk is full as often as it is told."""

    full = 0

    def put(self, key: str, data: bytes) -> None:
        if self.full:
            self.full -= 1
            raise OSError(28, "No space left on device")
        super().put(key, data)


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


@pytest.fixture
def worker_for(ledger: Ledger, sessions: Sessions, objects: Objects) -> Callable[..., Worker]:
    """A worker whose work goes wrong in these ways, one after the other, and then well."""

    def build(*troubles: Exception) -> Worker:
        left = list(troubles)

        async def perform(kind: str, photos: dict[str, bytes], fields: dict[str, Any]) -> Picture:
            if left:
                raise left.pop(0)
            return Picture(photos["image"], "image/jpeg", ("painter@v1",))

        return Worker(ledger, sessions, objects, perform, channel="http")

    return build


async def ordered(ledger: Ledger, sessions: Sessions, objects: Objects) -> str:
    key = new_key("in")
    objects.put(key, b"photo")
    async with sessions.begin() as session:
        job, _ = await ledger.submit(session, Order("style", "http", "anyone", inputs={"image": key}))
    return job.id


async def state_of(sessions: Sessions, job_id: str) -> tuple[str, dict[str, Any] | None]:
    async with sessions() as session:
        job = await session.get_one(Job, job_id)
        return job.state, job.error


async def test_a_rush_costs_a_job_time_and_none_of_its_attempts(
    worker_for: Callable[..., Worker], ledger: Ledger, sessions: Sessions, objects: Objects, clock: Clock
) -> None:
    job_id = await ordered(ledger, sessions, objects)
    worker = worker_for(*(Busy("Too many people.", retry_after=5) for _ in range(4 * MAX_ATTEMPTS)))
    for _ in range(4 * MAX_ATTEMPTS):
        assert await worker.work_once()
        assert not await worker.work_once(), "nobody asks again before the time the studio named"
        clock.now += 5.1
    assert await worker.work_once()
    assert await state_of(sessions, job_id) == (State.DONE, None)


async def test_a_studio_that_stays_down_fails_its_jobs_in_the_end(
    worker_for: Callable[..., Worker], ledger: Ledger, sessions: Sessions, objects: Objects, clock: Clock
) -> None:
    job_id = await ordered(ledger, sessions, objects)
    worker = worker_for(*(Unavailable("Down.", retry_after=5) for _ in range(MAX_ATTEMPTS + 1)))
    while await worker.work_once():
        clock.now += 5.1
    state, error = await state_of(sessions, job_id)
    assert state == State.FAILED
    assert error is not None


async def test_a_full_disk_costs_a_job_time_and_not_its_life(
    worker_for: Callable[..., Worker], ledger: Ledger, sessions: Sessions, objects: Objects, clock: Clock
) -> None:
    job_id = await ordered(ledger, sessions, objects)
    worker = worker_for()
    objects.full = 1
    with pytest.raises(OSError, match="No space"):
        await worker.work_once()
    clock.now += LEASE_S + 1
    assert await worker.work_once()
    assert await state_of(sessions, job_id) == (State.DONE, None)


async def test_a_photo_that_was_swept_away_is_told_and_a_bug_is_not_taken_for_it(
    worker_for: Callable[..., Worker], ledger: Ledger, sessions: Sessions, objects: Objects
) -> None:
    bitten = await ordered(ledger, sessions, objects)
    assert await worker_for(KeyError("no such thing in a table of ours")).work_once()
    _, error = await state_of(sessions, bitten)
    assert error is not None and error["slug"] == "internal"
    late = await ordered(ledger, sessions, objects)
    objects.sweep(older_than_s=-1)
    assert await worker_for().work_once()
    _, error = await state_of(sessions, late)
    assert error is not None and error["slug"] == "expired"
