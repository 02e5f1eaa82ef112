"""People find their own results again, and nobody else's."""

from __future__ import annotations

from bot.delivery import archive

ANNA, BORIS = 1001, 1002


async def test_a_delivered_picture_is_found_by_its_owner_only(office, sessions) -> None:
    (job,) = await office.order()
    async with sessions() as session:
        assert (await archive.result(session, ANNA, job.id)).file_id is None
    await office.work()
    await office.deliver()
    async with sessions() as session:
        assert (await archive.result(session, ANNA, job.id)).file_id == "file-10"
        assert await archive.result(session, BORIS, job.id) is None
        assert await archive.result(session, ANNA, "no such job") is None


async def test_a_history_is_newest_first(office, sessions, clock, monkeypatch) -> None:
    monkeypatch.setattr(archive, "RECENT", 2)
    jobs = []
    for _ in range(3):
        jobs += await office.order()
        await office.work()
        await office.deliver()
        clock.now += 1
    async with sessions() as session:
        recent = await archive.recent(session, ANNA)
        assert [slip.job_id for slip in recent] == [jobs[2].id, jobs[1].id]
        assert await archive.recent(session, BORIS) == []
