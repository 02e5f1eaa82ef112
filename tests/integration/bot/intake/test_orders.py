"""Orders are durable, paid for and recognised, all of them or none."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from bot.accounts.accounts import Keeping
from bot.accounts.credits import InsufficientCredits
from bot.delivery.messages import Address
from bot.delivery.tables import Delivery
from bot.intake.orders import AlbumTooLarge, Intake, Piece, QueueFull, Request
from bot.intake.tables import Bundle
from serve_app.jobs.tables import Job

ANNA, BORIS = 1001, 1002


@pytest.fixture
def intake(sessions, objects, ledger, credits, tariff, clock, monkeypatch) -> Intake:
    monkeypatch.setattr("bot.intake.orders.MAX_UNFINISHED", 6)
    return Intake(sessions, objects, ledger, credits, tariff, keeping=Keeping(3600, 86_400), clock=clock)


@pytest.fixture
def ask(intake, accounts, sessions):
    async def ask(origin="update:1", pieces=1, user_id=ANNA, kind="style", units=1, pay=0, **details):
        async with sessions.begin() as session:
            account = await accounts.open(session, user_id, "en")
            if pay:
                await intake._credits.pay_in(session, user_id, pay, f"charge {origin}")
        photos = [f"photo {number} of {origin}".encode() for number in range(pieces)]
        parts = [Piece(str(number), {"image": photo}, units) for number, photo in enumerate(photos)]
        request = Request(origin, account, kind, {"style": ["wave"]}, parts, Address(user_id, 5, 77), **details)
        return await intake.order(request)

    return ask


@pytest.fixture
def balance(sessions, credits):
    async def balance(user_id=ANNA):
        async with sessions() as session:
            return await credits.balance(session, user_id)

    return balance


def stored(tmp_path) -> int:
    return len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()])


async def rows(sessions, table) -> int:
    async with sessions() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_an_order_is_a_job_a_reservation_and_an_address(ask, sessions, objects, balance) -> None:
    accepted = await ask()
    (job,) = accepted.jobs
    assert accepted.new
    assert (job.kind, job.channel, job.owner, job.request) == ("style", "telegram", "tg:1001", {"style": ["wave"]})
    assert objects.get(job.inputs["image"]) == b"photo 0 of update:1"
    assert (await balance()).held == 1
    async with sessions() as session:
        slip = await session.get(Delivery, job.id)
    assert (slip.chat_id, slip.thread_id, slip.reply_to, slip.cost, slip.units) == (ANNA, 5, 77, 1, 1)


async def test_faces_are_counted_where_they_cost(ask, balance) -> None:
    await ask(kind="swap", units=2, pay=10)
    assert (await balance()).held == 4


async def test_the_same_tap_again_is_the_same_order(ask, balance, tmp_path) -> None:
    first = await ask(pieces=2)
    again = await ask(pieces=2)
    assert [job.id for job in again.jobs] == [job.id for job in first.jobs]
    assert not again.new
    assert ((await balance()).held, stored(tmp_path)) == (2, 2)


async def test_the_same_tap_through_ten_doors_at_once_is_one_order(ask, balance, sessions, tmp_path) -> None:
    await ask("update:0")
    accepted = await asyncio.gather(*(ask(pieces=2) for _ in range(10)))
    assert len({job.id for one in accepted for job in one.jobs}) == 2
    assert sum(one.new for one in accepted) == 1
    assert (await balance()).held == 3
    assert (await rows(sessions, Job), await rows(sessions, Delivery), stored(tmp_path)) == (3, 3, 3)


async def test_what_cannot_be_paid_leaves_nothing_behind(ask, balance, sessions, tmp_path) -> None:
    await ask("update:1", pieces=2)
    with pytest.raises(InsufficientCredits):
        await ask("update:2", pieces=2)
    assert (await balance()).quota_left == 1
    assert (await rows(sessions, Job), stored(tmp_path)) == (2, 2)


async def test_a_refusal_for_want_of_credits_speaks_of_the_whole_order(ask) -> None:
    await ask("update:1")
    with pytest.raises(InsufficientCredits) as refusal:
        await ask("update:2", pieces=3)
    assert (refusal.value.details["needed"], refusal.value.details["available"]) == (3, 2)


async def test_an_order_refused_for_want_of_credits_can_be_made_again(ask, intake) -> None:
    await ask("update:1", pieces=3)
    with pytest.raises(InsufficientCredits):
        await ask("update:2")
    assert (await ask("update:2", pay=5)).new


async def test_an_album_beyond_the_plan_is_refused_whole(ask, sessions, tmp_path) -> None:
    with pytest.raises(AlbumTooLarge) as refusal:
        await ask(pieces=4, pay=10)
    assert refusal.value.details == {"most": 3, "given": 4}
    assert (await rows(sessions, Job), stored(tmp_path)) == (0, 0)


async def test_nobody_fills_the_queue_alone(ask, sessions) -> None:
    await ask("update:1", pieces=3, pay=20)
    await ask("update:2", pieces=3)
    with pytest.raises(QueueFull) as refusal:
        await ask("update:3")
    assert refusal.value.details == {"most": 6}
    assert (await ask("update:4", user_id=BORIS)).new


async def test_a_repeated_order_is_never_refused(ask) -> None:
    await ask("update:1", pieces=3, pay=20)
    await ask("update:2", pieces=3)
    assert not (await ask("update:1", pieces=3)).new


async def test_a_photo_that_joined_an_album_ordered_before_is_added_to_it(ask, balance) -> None:
    await ask("bundle:1", pieces=2)
    accepted = await ask("bundle:1", pieces=3)
    assert (accepted.new, len(accepted.jobs)) == (True, 3)
    assert (await balance()).held == 3


async def test_the_same_work_ordered_by_two_taps_is_done_once(intake, accounts, balance, sessions) -> None:
    async with sessions.begin() as session:
        account = await accounts.open(session, ANNA, "en")

    def tap(origin: str, style: str = "wave") -> Request:
        piece = Piece("7", {"image": "in/7"})
        return Request(origin, account, "style", {"style": [style]}, [piece], Address(ANNA), bundle_id=9)

    taps = [tap(f"update:{number}") for number in range(6)]
    accepted = await asyncio.gather(*(intake.order(request) for request in taps))
    assert len({one.jobs[0].id for one in accepted}) == 1
    assert [one.new for one in accepted].count(True) == 1
    assert (await intake.order(tap("update:7", "scream"))).new
    assert (await balance()).held == 2


@pytest.mark.parametrize("bundle_id", [9, None])
async def test_a_saved_face_is_put_into_the_same_picture_once_at_a_time(
    intake, accounts, balance, sessions, tmp_path, bundle_id
) -> None:
    async with sessions.begin() as session:
        account = await accounts.open(session, ANNA, "en")
        await intake._credits.pay_in(session, ANNA, 10, "a charge")

    def tap(origin: str, face: bytes = b"Mum") -> Request:
        pictures = {"source": face} if bundle_id is None else {"source": face, "target": "in/9"}
        fields = {"mapping": ["0:0"]}
        return Request(origin, account, "swap", fields, [Piece("swap", pictures)], Address(ANNA), bundle_id=bundle_id)

    taps = [await intake.order(tap(f"update:{number}")) for number in range(2)]
    assert [one.new for one in taps] == [True, False]
    assert taps[0].jobs[0].id == taps[1].jobs[0].id
    assert (await balance()).held == 2
    assert stored(tmp_path) == 1
    assert (await intake.order(tap("update:3", b"Dad"))).new


async def test_an_albums_answers_come_together_each_in_reply_to_its_photo(intake, accounts, sessions) -> None:
    async with sessions.begin() as session:
        account = await accounts.open(session, ANNA, "en")
    pieces = [Piece(str(number), {"image": f"in/{number}"}, reply_to=50 + number) for number in range(2)]
    album, single = pieces, [Piece("2", {"image": "in/2"})]
    accepted = [
        await intake.order(Request(origin, account, "style", {"style": ["wave"]}, parts, Address(ANNA, None, 77)))
        for origin, parts in (("update:1", album), ("update:2", single))
    ]
    jobs = [job for one in accepted for job in one.jobs]
    assert [job.batch for job in jobs] == ["update:1", "update:1", None]
    async with sessions() as session:
        assert [(await session.get(Delivery, job.id)).reply_to for job in jobs] == [50, 51, 77]


async def test_photos_stay_as_long_as_what_is_made_of_them_and_no_others_do(ask, sessions, clock) -> None:
    soon, late = clock.now + 10, clock.now + 9999
    async with sessions.begin() as session:
        bundles = [
            Bundle(key=str(number), user_id=ANNA, chat_id=ANNA, message_id=number, caption="", expires=expires)
            for number, expires in enumerate((soon, soon, late))
        ]
        session.add_all(bundles)
    worked_with, left_alone, kept_longer = bundles
    await ask("update:1", bundle_id=worked_with.id)
    await ask("update:2", bundle_id=kept_longer.id)
    async with sessions() as session:
        expiries = [(await session.get(Bundle, bundle.id)).expires for bundle in (worked_with, left_alone, kept_longer)]
    assert expiries == [clock.now + 3600, soon, late]


async def test_an_order_of_nothing_is_a_mistake(ask) -> None:
    with pytest.raises(ValueError, match="at least one"):
        await ask(pieces=0)


async def test_a_feature_without_a_price_is_a_mistake_that_leaves_nothing(ask, sessions, tmp_path) -> None:
    with pytest.raises(KeyError):
        await ask(kind="knitting")
    assert (await rows(sessions, Job), stored(tmp_path)) == (0, 0)
