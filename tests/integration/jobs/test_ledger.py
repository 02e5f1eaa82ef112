"""The ledger on both databases: nothing lost, nothing doubled, and a fair order."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from serve_app.database import Base, migrate
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from tests.integration.jobs.orders import claim, claim_delivery, ended, ended_of, order, submit


async def test_the_migrated_schema_is_the_one_the_code_means(engine: AsyncEngine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), Base.metadata)
        )
    assert differences == []


async def test_migrating_again_changes_nothing(url: str, ledger, sessions) -> None:
    job, _ = await submit(ledger, sessions, order())
    await asyncio.to_thread(migrate, url)
    async with sessions() as session:
        assert (await session.get(Job, job.id)).inputs == job.inputs


async def test_a_repeated_order_is_the_same_job(ledger, sessions) -> None:
    first, new = await submit(ledger, sessions, order(dedupe="update:7"))
    again, newer = await submit(ledger, sessions, order(dedupe="update:7"))
    assert (new, newer) == (True, False)
    assert again.id == first.id


async def test_the_same_order_through_ten_doors_at_once_is_one_job(ledger, sessions) -> None:
    outcomes = await asyncio.gather(*(submit(ledger, sessions, order(dedupe="update:7")) for _ in range(10)))
    assert len({job.id for job, _ in outcomes}) == 1
    assert sum(new for _, new in outcomes) == 1


async def test_a_rolled_back_transaction_leaves_no_job(ledger, sessions) -> None:
    with pytest.raises(RuntimeError):
        async with sessions.begin() as session:
            await ledger.submit(session, order())
            raise RuntimeError("the credit could not be reserved")
    assert await claim(ledger, sessions) is None


async def test_a_job_goes_to_one_of_many_workers(ledger, sessions) -> None:
    for number in range(20):
        await submit(ledger, sessions, order(owner=f"tg:{number}"))
    claimed = await asyncio.gather(*(claim(ledger, sessions) for _ in range(30)))
    ids = [job.id for job in claimed if job is not None]
    assert len(ids) == len(set(ids))
    while (job := await claim(ledger, sessions)) is not None:
        ids.append(job.id)
    assert len(ids) == len(set(ids)) == 20


async def test_fifty_photos_of_one_person_do_not_starve_another(ledger, sessions) -> None:
    for _ in range(50):
        await submit(ledger, sessions, order(owner="tg:busy"))
    await claim(ledger, sessions)
    late, _ = await submit(ledger, sessions, order(owner="tg:late"))
    async with sessions.begin() as session:
        assert await ledger.position(session, late) <= 1
    owners = [(await claim(ledger, sessions)).owner for _ in range(2)]
    assert "tg:late" in owners


async def test_a_position_counts_down_to_next(ledger, sessions, clock) -> None:
    jobs = []
    for number in range(3):
        jobs.append((await submit(ledger, sessions, order(owner=f"tg:{number}")))[0])
        clock.now += 1
    positions = []
    for _ in jobs:
        async with sessions.begin() as session:
            positions.append(await ledger.position(session, jobs[-1]))
        await claim(ledger, sessions)
    assert positions == [2, 1, 0]


async def test_a_finished_job_is_delivered_once(ledger, sessions) -> None:
    await submit(ledger, sessions, order())
    job = await claim(ledger, sessions)
    async with sessions.begin() as session:
        assert await ledger.finish(session, job.id, job.lease, {"key": "out/1"})
    async with sessions.begin() as session:
        mine = await ledger.claim_delivery(session, channel="telegram")
        assert mine.result == {"key": "out/1"}
    async with sessions.begin() as session:
        assert await ledger.claim_delivery(session, channel="telegram") is None
        assert await ledger.deliver(session, mine.id, mine.lease)
    async with sessions.begin() as session:
        assert not await ledger.deliver(session, mine.id, mine.lease)
        assert (await session.get(Job, mine.id)).state == State.DELIVERED


async def test_a_silent_workers_job_is_taken_over_and_its_late_result_refused(ledger, sessions, clock) -> None:
    await submit(ledger, sessions, order())
    lost = await claim(ledger, sessions)
    assert await claim(ledger, sessions) is None
    clock.now += 61
    taken = await claim(ledger, sessions)
    assert taken.id == lost.id
    async with sessions.begin() as session:
        assert not await ledger.finish(session, lost.id, lost.lease, {"key": "late"})
        assert await ledger.finish(session, taken.id, taken.lease, {"key": "good"})


async def test_a_worker_that_speaks_keeps_its_job(ledger, sessions, clock) -> None:
    await submit(ledger, sessions, order())
    job = await claim(ledger, sessions)
    clock.now += 50
    async with sessions.begin() as session:
        assert await ledger.renew(session, job.id, job.lease)
    clock.now += 50
    assert await claim(ledger, sessions) is None


async def test_who_tells_how_far_the_work_is_keeps_its_job_and_who_lost_it_is_told(ledger, sessions, clock) -> None:
    await submit(ledger, sessions, order())
    job = await claim(ledger, sessions)
    clock.now += 50
    async with sessions.begin() as session:
        assert await ledger.advance(session, job.id, job.lease, 0.5)
    clock.now += 50
    assert await claim(ledger, sessions) is None
    clock.now += 11
    taken = await claim(ledger, sessions)
    assert (taken.id, taken.progress) == (job.id, 0.5)
    async with sessions.begin() as session:
        assert not await ledger.advance(session, job.id, job.lease, 0.9)
        assert (await session.get(Job, job.id)).progress == 0.5


async def test_a_job_that_kills_its_workers_is_given_up(ledger, sessions, clock) -> None:
    job, _ = await submit(ledger, sessions, order())
    for _ in range(3):
        assert await claim(ledger, sessions) is not None
        clock.now += 61
    assert await claim(ledger, sessions) is None
    async with sessions.begin() as session:
        ended = await session.get(Job, job.id)
        assert ended.state == State.FAILED
        assert ended.error["slug"] == "internal"


async def test_a_worker_that_shuts_down_gives_its_job_back_without_a_mark(ledger, sessions) -> None:
    await submit(ledger, sessions, order())
    for _ in range(5):
        job = await claim(ledger, sessions)
        async with sessions.begin() as session:
            assert await ledger.release(session, job.id, job.lease)


async def put_back(ledger, sessions, job, *, attempted=False) -> None:
    async with sessions.begin() as session:
        error = {"slug": "busy", "message": "Too many pictures are waiting for this right now.", "status": 429}
        assert await ledger.put_back(session, job.id, job.lease, 30.0, error, attempted=attempted)


async def test_jobs_that_find_no_room_wait_in_their_places(ledger, sessions, clock) -> None:
    jobs = []
    for number in range(3):
        jobs.append((await submit(ledger, sessions, order(owner=f"tg:{number}")))[0])
        clock.now += 1
    clock.now += 97
    for _ in jobs:
        job = await claim(ledger, sessions)
        async with sessions.begin() as session:
            assert await ledger.advance(session, job.id, job.lease, 0.5)
        await put_back(ledger, sessions, job)
    async with sessions() as session:
        assert await ledger.queue(session, "telegram") == [job.id for job in jobs]
        assert await ledger.position(session, jobs[2]) == 2
        assert await ledger.backlog(session) == {("telegram", State.QUEUED): (3, 100.0)}
        assert (await session.get(Job, jobs[0].id)).progress is None, "it begins anew"
    assert await claim(ledger, sessions) is None, "nobody asks again before the time"
    clock.now += 31
    assert [(await claim(ledger, sessions)).id for _ in jobs] == [job.id for job in jobs]


async def test_who_comes_after_a_job_that_was_put_back_comes_after_it(ledger, sessions, clock) -> None:
    for _ in range(5):
        await submit(ledger, sessions, order(owner="tg:busy"))
    for _ in range(4):
        await ended(ledger, sessions)
    last = await claim(ledger, sessions)
    async with sessions.begin() as session:
        await ledger.expire(session, ["telegram"], clock.now + 1)
    await put_back(ledger, sessions, last)
    late, _ = await submit(ledger, sessions, order(owner="tg:late"))
    assert late.turn == last.turn + 1


@pytest.mark.parametrize(("attempted", "tries"), [(True, 3), (False, 10)])
async def test_a_job_is_given_up_for_work_that_failed_and_not_for_want_of_room(
    ledger, sessions, clock, attempted: bool, tries: int
) -> None:
    job, _ = await submit(ledger, sessions, order())
    for _ in range(tries):
        await put_back(ledger, sessions, await claim(ledger, sessions), attempted=attempted)
        clock.now += 31
    again = await claim(ledger, sessions)
    assert again is None if attempted else again.id == job.id


async def test_a_cancelled_job_is_not_worked_on(ledger, sessions) -> None:
    job, _ = await submit(ledger, sessions, order())
    async with sessions.begin() as session:
        assert await ledger.cancel(session, job.id)
        assert not await ledger.cancel(session, job.id)
    assert await claim(ledger, sessions) is None


async def test_a_forgotten_job_keeps_nothing_of_the_person(ledger, sessions) -> None:
    job, _ = await submit(ledger, sessions, order())
    async with sessions.begin() as session:
        await ledger.forget(session, [job.id])
    async with sessions.begin() as session:
        row = await session.get(Job, job.id)
        assert (row.request, row.inputs, row.result, row.error) == ({}, {}, None, None)


REFUSED = {"slug": "refused", "message": "This picture is not allowed: explicit.", "status": 451, "rule": "explicit"}


@pytest.mark.parametrize("how", ["forgotten", "withdrawn"])
async def test_of_what_went_wrong_with_a_persons_picture_its_kind_alone_is_counted(ledger, sessions, how) -> None:
    job, _ = await submit(ledger, sessions, order(owner="tg:1"))
    await ended(ledger, sessions, REFUSED)
    other, _ = await submit(ledger, sessions, order(owner="tg:2"))
    await ended(ledger, sessions, REFUSED)
    async with sessions.begin() as session:
        if how == "forgotten":
            await ledger.forget(session, [job.id])
        else:
            await ledger.withdraw(session, "tg:1", "gone")
    async with sessions.begin() as session:
        assert (await session.get(Job, job.id)).error == {"slug": "refused"}
        assert (await session.get(Job, other.id)).error == REFUSED


async def test_the_queue_of_a_channel_is_in_the_order_it_is_served(ledger, sessions, clock) -> None:
    for owner in ("tg:1", "tg:1", "tg:2"):
        await submit(ledger, sessions, order(owner=owner))
        clock.now += 1
    await submit(ledger, sessions, order(owner="anyone", channel="http"))
    async with sessions() as session:
        waiting = await ledger.queue(session, "telegram")
    async with sessions.begin() as session:
        served = [(await ledger.claim(session, channel="telegram")).id for _ in range(3)]
    assert waiting == served


async def test_a_position_counts_only_jobs_of_the_same_channel(ledger, sessions, clock) -> None:
    await submit(ledger, sessions, order(owner="anyone", channel="http"))
    clock.now += 1
    job, _ = await submit(ledger, sessions, order())
    async with sessions() as session:
        assert await ledger.position(session, job) == 0


async def test_when_the_work_first_began_is_remembered(ledger, sessions, clock) -> None:
    await submit(ledger, sessions, order())
    clock.now += 5
    begun = (await claim(ledger, sessions)).started
    clock.now += 61
    assert (await claim(ledger, sessions)).started == begun == 1_000_005.0


async def test_what_an_owner_ordered_can_be_withdrawn_without_a_trace(ledger, sessions) -> None:
    for number in range(4):
        await submit(ledger, sessions, order(dedupe=f"update:{number}"))
    await ended(ledger, sessions)
    await ended(ledger, sessions, {"slug": "refused"})
    running = await claim(ledger, sessions)
    await submit(ledger, sessions, order(owner="tg:2"))
    async with sessions.begin() as session:
        keys = await ledger.withdraw(session, "tg:1", "gone")
    assert sorted(keys) == ["in/1"] * 4 + ["out/1"]
    async with sessions.begin() as session:
        assert not await ledger.finish(session, running.id, running.lease, {"key": "late"})
        rows = (await session.execute(text("SELECT owner, state FROM jobs ORDER BY owner, state"))).all()
        again, new = await ledger.submit(session, order(dedupe="update:0"))
    assert [tuple(row) for row in rows] == [*[("gone", "cancelled")] * 3, ("gone", "failed"), ("tg:2", "queued")]
    assert (new, again.inputs) == (False, {})
    assert await claim_delivery(ledger, sessions) is None


async def test_jobs_that_ended_long_ago_are_forgotten_and_no_others(ledger, sessions, clock) -> None:
    old = [await ended_of("http", ledger, sessions, outcome) for outcome in (None, {"slug": "no-face"})]
    elsewhere = await ended_of("telegram", ledger, sessions)
    waiting, _ = await submit(ledger, sessions, order(channel="http"))
    clock.now += 100
    running = await claim(ledger, sessions)
    young = await ended_of("http", ledger, sessions)
    assert running.id == waiting.id
    async with sessions.begin() as session:
        await ledger.expire(session, ["http", "slow"], clock.now - 50)
        left = {job.id for job in (await session.execute(select(Job))).scalars()}
    assert left == {elsewhere.id, running.id, young.id}, old
