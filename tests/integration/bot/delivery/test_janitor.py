"""Nothing is kept longer than was said, and nothing that is still needed goes."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
from sqlalchemy import func, select

from bot.accounts import identities
from bot.accounts.accounts import Keeping
from bot.accounts.tables import Invoice, Remnant
from bot.delivery.messages import Address
from bot.delivery.tables import Delivery
from bot.intake.inbox import REMEMBER_S, Inbox
from bot.intake.orders import Piece, Request
from bot.intake.photos import Incoming, Photos
from bot.intake.tables import Bundle, Upload
from bot.retention.janitor import INVOICE_S, STORING_S, Janitor
from deployments.imaging import Photo
from serve_app.objects import new_key
from serve_app.rates import Rate, RateBucket, SqlBuckets, Want

ANNA, BORIS = 1001, 1002
HOUR = 3600.0


async def open_photo(data: bytes) -> Photo:
    return Photo(data, "image/jpeg", 10, 10, "")


@pytest.fixture
def photos(sessions, objects, clock) -> Photos:
    return Photos(sessions, objects, open_photo, keeping=Keeping(HOUR, 24 * HOUR), prompt_lease_s=60, clock=clock)


@pytest.fixture
def make_janitor(sessions, objects, vault, ledger, clock):
    def make(keep_s: float) -> Janitor:
        inbox = Inbox(sessions, lease_s=90, clock=clock)
        return Janitor(sessions, objects, vault, ledger, inbox, keep_s=keep_s, clock=clock)

    return make


@pytest.fixture
def janitor(make_janitor) -> Janitor:
    return make_janitor(HOUR)


@pytest.fixture
def after(tmp_path):
    """Let what lies in the stores have been there for so many seconds."""

    def after(seconds: float) -> None:
        for path in tmp_path.glob("*/*/*/*"):
            os.utime(path, (time.time() - seconds,) * 2)

    return after


async def count(sessions, table) -> int:
    async with sessions() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


def there(objects, key) -> bool:
    try:
        objects.get(key)
    except KeyError:
        return False
    return True


async def test_a_photo_nobody_did_anything_with_goes_in_time(office, photos, janitor, objects, sessions, clock) -> None:
    bundle = await photos.keep(await office.account(), Incoming(1, ANNA, 1, b"a photo"))
    _, (kept,) = await photos.bundle(bundle.id, ANNA)
    clock.now += HOUR - 1
    assert (await janitor.sweep()).photos == 0
    assert there(objects, kept.key)
    clock.now += 2
    assert (await janitor.sweep()).photos == 1
    assert not there(objects, kept.key)
    assert (await count(sessions, Bundle), await count(sessions, Upload)) == (0, 0)


async def test_a_result_and_what_its_job_says_go_in_time(office, janitor, objects, sessions, clock) -> None:
    (job,) = await office.order()
    await office.work()
    await office.deliver()
    done = await office.job(job.id)
    clock.now += HOUR + 1
    assert (await janitor.sweep()).results == 1
    assert not there(objects, done.result["key"])
    assert not there(objects, job.inputs["image"])
    forgotten = await office.job(job.id)
    assert (forgotten.request, forgotten.inputs, forgotten.result) == ({}, {}, None)
    assert await count(sessions, Delivery) == 0
    assert await janitor.sweep() == type(await janitor.sweep())(0, 0, 0)


async def ordered_late(office, photos, intake, clock) -> str:
    """The key of a photo that was kept for nearly an hour when a job of it was ordered."""
    account = await office.account()
    bundle = await photos.keep(account, Incoming(1, ANNA, 1, b"a photo"))
    _, (kept,) = await photos.bundle(bundle.id, ANNA)
    clock.now += HOUR - 10
    piece = Piece("1", {"image": kept.key})
    await intake.order(Request("update:9", account, "style", {}, [piece], Address(ANNA), bundle_id=bundle.id))
    return kept.key


async def test_a_photo_in_use_stays_with_the_job_that_uses_it(office, photos, intake, janitor, objects, clock) -> None:
    key = await ordered_late(office, photos, intake, clock)
    clock.now += HOUR - 10
    await janitor.sweep()
    assert there(objects, key)


@pytest.mark.parametrize("state", ["waits for its turn", "is being done"])
async def test_a_photo_stays_for_as_long_as_a_job_that_uses_it_takes_to_be_done(
    office, photos, intake, janitor, objects, sessions, ledger, clock, state
) -> None:
    key = await ordered_late(office, photos, intake, clock)
    if state == "is being done":
        async with sessions.begin() as session:
            assert await ledger.claim(session)
    clock.now += 10 * HOUR
    assert (await janitor.sweep()).photos == 0
    assert there(objects, key)
    await office.work()
    assert (await janitor.sweep()).photos == 1
    assert not there(objects, key)


async def test_a_photo_kept_for_another_try_outlives_the_first_jobs_result(
    office, photos, intake, janitor, objects, clock
) -> None:
    account = await office.account()
    bundle = await photos.keep(account, Incoming(1, ANNA, 1, b"a photo"))
    _, (kept,) = await photos.bundle(bundle.id, ANNA)
    for tap in (1, 2):
        piece = Piece("1", {"image": kept.key})
        await intake.order(Request(f"update:{tap}", account, "style", {}, [piece], Address(ANNA), bundle_id=bundle.id))
        await office.work()
        await office.deliver()
        clock.now += HOUR - 10
    clock.now -= HOUR - 30
    assert (await janitor.sweep()).results == 1
    assert there(objects, kept.key)


async def test_a_job_that_still_waits_is_not_swept_away(office, janitor, objects, clock) -> None:
    (job,) = await office.order()
    clock.now += 10 * HOUR
    assert (await janitor.sweep()).results == 0
    assert there(objects, job.inputs["image"])


async def test_a_failure_nobody_told_yet_is_told_however_late(office, janitor, sender, clock) -> None:
    await office.order()
    await office.work({"slug": "refused"})
    clock.now += 10 * HOUR
    assert (await janitor.sweep()).results == 0
    await office.deliver()
    assert (sender.texts, (await office.balance()).held) == (["failed: refused"], 0)
    assert (await janitor.sweep()).results == 1


async def test_somebody_who_keeps_a_history_has_it_longer(office, accounts, sessions, janitor, clock) -> None:
    await office.account()
    async with sessions.begin() as session:
        await accounts.save(session, ANNA, keep_history=True)
    await office.order()
    await office.work()
    await office.deliver()
    clock.now += 23 * HOUR
    assert (await janitor.sweep()).results == 0
    clock.now += 2 * HOUR
    assert (await janitor.sweep()).results == 1


async def test_what_was_stored_and_no_row_came_to_name_goes_when_none_can_come_any_more(
    office, janitor, objects, vault, after, tmp_path
) -> None:
    await office.account()
    photo, result, face = (new_key(kind) for kind in ("in", "out", "in"))
    objects.put(photo, b"a photo whose process ended before its row was written")
    objects.put(result, b"a result likewise")
    vault.put(face, b"a face likewise")
    half = tmp_path / "vault" / "in" / face.partition("/")[2][:2] / "tmp1234"
    half.write_bytes(b"half of a fa")
    after(STORING_S - 60)
    await janitor.clear()
    assert there(objects, photo)
    assert there(objects, result)
    assert there(vault, face)
    after(STORING_S + 60)
    await janitor.clear()
    assert not there(objects, photo)
    assert not there(objects, result)
    assert not there(vault, face)
    assert not half.exists()


async def test_what_was_there_before_a_database_was_begun_is_not_its_to_remove(
    office, janitor, objects, vault, after, clock
) -> None:
    face, photo = new_key("in"), new_key("in")
    vault.put(face, b"a face that another database names")
    objects.put(photo, b"a photo likewise")
    after(30 * 86_400)
    await janitor.clear()
    clock.now = time.time()
    await office.account()
    await janitor.clear()
    assert there(vault, face)
    assert there(objects, photo)


async def test_what_is_used_again_or_still_to_come_or_kept_is_somebodys_however_old_it_is(
    office, photos, intake, janitor, objects, vault, sessions, clock, after
) -> None:
    key = await ordered_late(office, photos, intake, clock)
    await office.work()
    await office.deliver()
    await office.pay(1)
    (done,), (kept,), (waiting,) = [await office.order() for _ in range(3)]
    await office.work()
    await office.work()
    await office.deliver_once()
    face = new_key("in")
    vault.put(face, b"a face")
    async with sessions.begin() as session:
        await identities.add(session, ANNA, "Grandmother", face)
    after(400 * 86_400)
    await janitor.clear()
    results = [(await office.job(job.id)).result["key"] for job in (done, kept)]
    for named in (key, *results, waiting.inputs["image"]):
        assert there(objects, named)
    assert there(vault, face)


async def test_what_is_kept_for_minutes_only_is_looked_after_more_often(
    office, photos, make_janitor, objects, clock
) -> None:
    bundle = await photos.keep(await office.account(), Incoming(1, ANNA, 1, b"a photo"))
    _, (kept,) = await photos.bundle(bundle.id, ANNA)
    sweeping = asyncio.create_task(make_janitor(10.0).run())
    try:
        await asyncio.sleep(0.2)
        clock.now += HOUR + 1
        async with asyncio.timeout(10):
            while there(objects, kept.key):
                await asyncio.sleep(0.1)
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)


async def test_an_order_is_known_again_for_as_long_as_updates_are_and_their_numbers_are_used_anew_later(
    office, intake, janitor, clock
) -> None:
    async def order(user_id):
        request = Request(
            "update:9",
            await office.account(user_id),
            "style",
            {},
            [Piece("1", {"image": b"a photo"})],
            Address(user_id),
        )
        return (await intake.order(request)).jobs[0]

    first = await order(ANNA)
    await office.work()
    await office.deliver()
    clock.now += REMEMBER_S - 1
    await janitor.sweep()
    assert (await order(ANNA)).id == first.id
    clock.now += 2
    await janitor.sweep()
    assert (await order(BORIS)).owner == f"tg:{BORIS}"


async def test_full_buckets_old_offers_and_spent_remnants_go(sessions, janitor, payments, office, clock) -> None:
    await office.account()
    await SqlBuckets(sessions, clock=clock).take([Want("a", Rate(1, 1))])
    async with sessions.begin() as session:
        await payments.offer(session, ANNA, "small")
        from bot.accounts.days import day_of

        today = day_of(clock.now)
        session.add(Remnant(pseudonym="spent", banned=False, debt=0, quota_day=today, quota_used=3))
        session.add(Remnant(pseudonym="banned", banned=True, debt=0, quota_day=today, quota_used=0))
        session.add(Remnant(pseudonym="owing", banned=False, debt=2, quota_day=today, quota_used=0))
    await janitor.sweep()
    assert [await count(sessions, table) for table in (RateBucket, Invoice, Remnant)] == [1, 1, 3]
    clock.now += INVOICE_S + 1
    await janitor.sweep()
    assert [await count(sessions, table) for table in (RateBucket, Invoice, Remnant)] == [0, 0, 2]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_whoever_takes_from_a_bucket_that_is_full_again_is_not_waited_for(sessions, janitor) -> None:
    async with sessions.begin() as session:
        session.add_all([RateBucket(key="out:1", arrival=0.0), RateBucket(key="out", arrival=0.0)])
    async with sessions.begin() as taking, asyncio.timeout(20):
        await taking.execute(select(RateBucket).where(RateBucket.key == "out").with_for_update())
        # Were it to wait, with the other bucket locked, each would wait for the other.
        await janitor.sweep()
        left = select(RateBucket.key).order_by(RateBucket.key).with_for_update()
        assert (await taking.execute(left)).scalars().all() == ["out"]


async def test_an_offer_that_was_paid_stays_with_its_subscription(sessions, janitor, payments, office, clock) -> None:
    from bot.accounts.payments import Paid

    await office.account()
    async with sessions.begin() as session:
        offer = await payments.offer(session, ANNA, "plus")
        await payments.paid(session, ANNA, Paid("c1", offer.payload, 250, clock.now, recurring=True))
    clock.now += INVOICE_S + 1
    await janitor.sweep()
    async with sessions.begin() as session:
        receipt = await payments.paid(session, ANNA, Paid("c2", offer.payload, 250, clock.now, recurring=True))
    assert (receipt.unmatched, receipt.credits) == (False, 0)
