"""Answers leave the ledger once, to those who asked, and a batch at one time."""

from __future__ import annotations

import asyncio

import serve_app.access.keys
import serve_app.rates  # noqa: F401 - migrations make these tables as well
from serve_app.jobs.ledger import Order
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from tests.integration.jobs.orders import claim_delivery, ended, order, submit


async def test_a_failure_is_news_to_deliver_once(ledger, sessions) -> None:
    await submit(ledger, sessions, order())
    job = await ended(ledger, sessions, {"slug": "refused"})
    mine = await claim_delivery(ledger, sessions)
    assert (mine.id, mine.state, mine.error) == (job.id, State.FAILED, {"slug": "refused"})
    async with sessions.begin() as session:
        assert await ledger.deliver(session, mine.id, mine.lease)
    assert await claim_delivery(ledger, sessions) is None
    async with sessions() as session:
        told = await session.get(Job, job.id)
    assert (told.state, told.delivered is not None) == (State.FAILED, True)


async def test_other_channels_and_cancelled_jobs_are_nothing_to_deliver(ledger, sessions) -> None:
    await submit(ledger, sessions, order(channel="http"))
    await ended(ledger, sessions, {"slug": "refused"})
    job, _ = await submit(ledger, sessions, order())
    async with sessions.begin() as session:
        await ledger.cancel(session, job.id)
    assert await claim_delivery(ledger, sessions) is None


async def test_a_delivery_put_off_is_left_alone_until_then(ledger, sessions, clock) -> None:
    await submit(ledger, sessions, order())
    await ended(ledger, sessions)
    mine = await claim_delivery(ledger, sessions)
    async with sessions.begin() as session:
        assert await ledger.postpone(session, mine.id, mine.lease, 30)
    clock.now += 29
    assert await claim_delivery(ledger, sessions) is None
    clock.now += 2
    assert (await claim_delivery(ledger, sessions)).id == mine.id


async def test_what_cannot_be_delivered_has_failed_and_is_not_tried_again(ledger, sessions) -> None:
    await submit(ledger, sessions, order())
    await ended(ledger, sessions)
    mine = await claim_delivery(ledger, sessions)
    async with sessions.begin() as session:
        assert not await ledger.undeliverable(session, mine.id, "another's lease", {"slug": "undeliverable"})
        assert await ledger.undeliverable(session, mine.id, mine.lease, {"slug": "undeliverable"})
    assert await claim_delivery(ledger, sessions) is None
    async with sessions() as session:
        assert (await session.get(Job, mine.id)).state == State.FAILED


async def test_what_is_to_be_passed_over_waits(ledger, sessions) -> None:
    for owner in ("tg:1", "tg:1", "tg:2"):
        await submit(ledger, sessions, order(owner=owner))
    for _ in range(3):
        await ended(ledger, sessions)
    assert (await claim_delivery(ledger, sessions, besides=Job.owner == "tg:1")).owner == "tg:2"
    assert await claim_delivery(ledger, sessions, besides=Job.owner.in_(["tg:1", "tg:2"])) is None


def batch(number: int) -> Order:
    return Order("style", "telegram", "tg:1", dedupe=f"update:1:{number}", batch="update:1")


async def test_a_batch_is_delivered_together_once_all_of_it_has_ended(ledger, sessions) -> None:
    for number in range(3):
        await submit(ledger, sessions, batch(number))
    jobs = [await ended(ledger, sessions), await ended(ledger, sessions, {"slug": "refused"})]
    assert await claim_delivery(ledger, sessions) is None
    jobs.append(await ended(ledger, sessions))
    async with sessions.begin() as session:
        first = await ledger.claim_delivery(session, channel="telegram")
        others = await ledger.claim_batch(session, first)
    assert [job.id for job in (first, *others)] == [job.id for job in jobs]
    assert {job.lease for job in others} == {first.lease}
    assert await claim_delivery(ledger, sessions) is None


async def test_what_others_ordered_is_not_of_the_batch_whatever_it_is_called(ledger, sessions, clock) -> None:
    await submit(ledger, sessions, batch(0))
    clock.now += 1
    theirs, _ = await submit(ledger, sessions, Order("style", "telegram", "tg:2", batch="update:1"))
    await ended(ledger, sessions)
    async with sessions.begin() as session:
        first = await ledger.claim_delivery(session, channel="telegram")
        assert first.owner == "tg:1"
    await ended(ledger, sessions)
    async with sessions.begin() as session:
        assert await ledger.claim_batch(session, first) == []
        assert (await ledger.claim_delivery(session, channel="telegram")).id == theirs.id


async def test_what_is_left_of_a_batch_after_a_crash_is_delivered_by_whoever_takes_over(
    ledger, sessions, clock
) -> None:
    for number in range(3):
        await submit(ledger, sessions, batch(number))
    for _ in range(3):
        await ended(ledger, sessions)
    async with sessions.begin() as session:
        first = await ledger.claim_delivery(session, channel="telegram")
        others = await ledger.claim_batch(session, first)
        assert await ledger.deliver(session, first.id, first.lease)
    clock.now += 61
    async with sessions.begin() as session:
        second = await ledger.claim_delivery(session, channel="telegram")
        rest = await ledger.claim_batch(session, second)
    assert [job.id for job in (second, *rest)] == [job.id for job in others]


async def test_many_couriers_at_once_never_split_a_batch(ledger, sessions) -> None:
    for request in range(10):
        for number in range(3):
            wanted = Order(
                "style", "telegram", f"tg:{request}", dedupe=f"{request}:{number}", batch=f"update:{request}"
            )
            await submit(ledger, sessions, wanted)
    for _ in range(30):
        await ended(ledger, sessions)

    async def claimed() -> list[str]:
        async with sessions.begin() as session:
            first = await ledger.claim_delivery(session, channel="telegram")
            return [] if first is None else [first.id, *(job.id for job in await ledger.claim_batch(session, first))]

    batches = await asyncio.gather(*(claimed() for _ in range(20)))
    while more := await claimed():
        batches.append(more)
    assert sorted(len(ids) for ids in batches if ids) == [3] * 10
    assert len({job_id for ids in batches for job_id in ids}) == 30
