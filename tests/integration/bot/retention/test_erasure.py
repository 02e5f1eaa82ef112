"""Deleting an account: what goes, what stays, and that leaving undoes neither a ban nor a debt nor a spent quota."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.accounts import events, identities
from bot.accounts.accounts import Keeping
from bot.accounts.cashier import Cashier, Renewal
from bot.accounts.events import EventKind
from bot.accounts.payments import Paid
from bot.accounts.tables import Activity, Event, Payment, User
from bot.accounts.tariff import MONTH_S
from bot.delivery.messages import Address
from bot.intake.orders import Intake, Piece, Request
from bot.intake.photos import Incoming, Photos
from bot.intake.waiting import WaitingRoom
from bot.retention.erasure import Erasure
from deployments.imaging import Photo
from serve_app.database import Base
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.objects import new_key
from tests.integration.bot.accounts.payments.people import FakeBank

ANNA, BORIS = 100_100_100_1, 100_100_100_2
DAY = 86_400.0


@pytest.fixture
def bank() -> FakeBank:
    return FakeBank()


@pytest.fixture
def erasure(sessions, accounts, payments, bank, ledger, objects, vault, clock) -> Erasure:
    cashier = Cashier(sessions, payments, bank)
    return Erasure(sessions, accounts, cashier, ledger, objects, vault, clock=clock)


@pytest.fixture
def intake(sessions, objects, ledger, credits, tariff, clock) -> Intake:
    return Intake(sessions, objects, ledger, credits, tariff, keeping=Keeping(3600, DAY), clock=clock)


@pytest.fixture
def order(intake, accounts, sessions):
    async def order(user_id, update_id=1):
        async with sessions.begin() as session:
            account = await accounts.open(session, user_id, "en")
        piece = Piece("0", {"image": f"a photo of {update_id}".encode()})
        request = Request(f"update:{update_id}", account, "style", {"style": ["wave"]}, [piece], Address(user_id))
        return (await intake.order(request)).jobs[0]

    return order


@pytest.fixture
def buy(accounts, payments, sessions, clock):
    """Anna, whose account is opened for it if need be, pays for a product; returns what the invoice said."""

    async def buy(product):
        async with sessions.begin() as session:
            await accounts.open(session, ANNA, "en")
            offer = await payments.offer(session, ANNA, product)
            lasting = {"recurring": True, "expires": clock.now + MONTH_S} if product == "plus" else {}
            await payments.paid(session, ANNA, Paid("c1", offer.payload, offer.stars, clock.now, **lasting))
        return offer

    return buy


async def everything(sessions) -> str:
    """All that any table holds, as one text."""
    seen: list[str] = []
    async with sessions() as session:
        for table in Base.metadata.sorted_tables:
            for row in (await session.execute(select(table))).mappings():
                seen += [f"{table.name}.{name}={value!r}" for name, value in row.items()]
    return "\n".join(seen)


async def test_everything_goes_but_payments_and_counts_that_lead_to_nobody(
    erasure, buy, order, sessions, objects, vault, clock, ledger
) -> None:
    job = await order(ANNA)
    await buy("small")
    async with sessions.begin() as session:
        crop = new_key("in")
        vault.put(crop, b"a face")
        await identities.add(session, ANNA, "me", crop)
        events.record(session, ANNA, EventKind.REFUSED, clock.now, "too-large")
    async with sessions.begin() as session:
        running = await ledger.claim(session)
        result = new_key("out")
        objects.put(result, b"a result")
        await ledger.finish(
            session, running.id, running.lease, {"key": result, "media_type": "image/jpeg", "models": []}
        )
    photo = job.inputs["image"]

    removal = await erasure.delete(ANNA)

    assert (removal.jobs, removal.identities, removal.credits, removal.kept_payments) == (1, 1, 10, 1)
    assert (removal.kept_debt, removal.subscription) == (0, Renewal.NONE)
    for store, key in ((objects, photo), (objects, result), (vault, crop)):
        with pytest.raises(KeyError):
            store.get(key)
    left = await everything(sessions)
    for trace in (str(ANNA), photo, result, crop, "wave", "me'"):
        assert trace not in left, trace
    async with sessions() as session:
        payment = await session.get(Payment, "c1")
        assert (payment.stars, payment.user_id < 0) == (50, True)
        assert (await session.get(Job, job.id)).state == State.CANCELLED
        owner = (await session.get(Job, job.id)).owner
        (nobody,) = {user for (user,) in await session.execute(select(Activity.user_id))}
        assert {user for (user,) in await session.execute(select(Event.user_id))} == {nobody}
        assert (owner, nobody < 0) == (f"gone:{-nobody}", True)
        assert payment.user_id != nobody, "Telegram can tell whose payment it was"


async def test_a_photo_that_nothing_was_ordered_of_goes_as_well(erasure, accounts, sessions, objects, clock) -> None:
    async def open_photo(data: bytes) -> Photo:
        return Photo(data, "image/jpeg", 10, 10, "")

    photos = Photos(sessions, objects, open_photo, keeping=Keeping(3600, DAY), prompt_lease_s=60, clock=clock)
    async with sessions.begin() as session:
        account = await accounts.open(session, ANNA, "en")
    bundle = await photos.keep(account, Incoming(1, ANNA, 1, b"a photo"))
    _, (kept,) = await photos.bundle(bundle.id, ANNA)
    assert (await erasure.delete(ANNA)).photos == 1
    with pytest.raises(KeyError):
        objects.get(kept.key)
    assert kept.key not in await everything(sessions)


async def test_what_they_said_and_was_put_aside_goes_but_not_what_is_about_money(erasure, buy, sessions, clock) -> None:
    await buy("small")
    room = WaitingRoom(sessions, lease_s=30, clock=clock)
    for number, user_id, money in ((1, ANNA, False), (2, ANNA, True), (3, BORIS, False)):
        await room.put({"update_id": number}, user_id, money=money, pause_s=0)
    await erasure.delete(ANNA)
    assert [waiting.update_id for waiting in await room.take(10)] == [2, 3]


async def test_other_people_are_not_touched(erasure, order, sessions, objects) -> None:
    await order(ANNA, 1)
    job = await order(BORIS, 2)
    await erasure.delete(ANNA)
    assert objects.get(job.inputs["image"]) == b"a photo of 2"
    async with sessions() as session:
        assert await session.get(User, BORIS) is not None
        assert (await session.get(Job, job.id)).state == State.QUEUED


async def test_nobody_cannot_be_deleted(erasure) -> None:
    assert await erasure.delete(ANNA) is None


@pytest.mark.parametrize(("ends", "told"), [(True, Renewal.ENDED), (False, Renewal.REFUSED)])
async def test_a_subscription_is_not_charged_any_more_unless_telegram_would_not_end_it(
    erasure, buy, bank, ends, told
) -> None:
    bank.without = set() if ends else {"c1"}
    await buy("plus")
    removal = await erasure.delete(ANNA)
    assert removal.subscription is told
    assert bank.stopped == [(ANNA, "c1")]


async def test_of_two_deletions_at_once_the_later_finds_nothing_left(erasure, buy, bank, monkeypatch) -> None:
    await buy("plus")

    async def stop_renewal(user_id: int, charge_id: str) -> bool:
        monkeypatch.undo()
        # The other tap overtakes this one while Telegram is asked.
        assert (await erasure.delete(ANNA)).subscription is Renewal.ENDED
        return True

    monkeypatch.setattr(bank, "stop_renewal", stop_renewal)
    assert await erasure.delete(ANNA) is None


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_what_was_written_stands_in_no_file_of_the_database_any_more(
    erasure, buy, sessions, vault, tmp_path
) -> None:
    await buy("small")
    async with sessions.begin() as session:
        await identities.add(session, ANNA, "Grandmother in Lyon", new_key("in"))
    await erasure.delete(ANNA)
    files = {path.name: path.read_bytes() for path in tmp_path.glob("studio.db*")}
    assert files["studio.db"]
    assert not [name for name, data in files.items() if b"Grandmother" in data]


@pytest.mark.parametrize("state", ["canceled", "failed"])
@pytest.mark.parametrize(("ends", "told"), [(True, Renewal.ENDED), (False, Renewal.REFUSED)])
async def test_that_a_subscription_is_said_to_be_over_is_not_relied_on_while_it_is_paid_for(
    erasure, buy, payments, sessions, bank, state, ends, told
) -> None:
    bank.without = set() if ends else {"c1"}
    offer = await buy("plus")
    async with sessions.begin() as session:
        await payments.subscription_changed(session, ANNA, offer.payload, state)
    assert (await erasure.delete(ANNA)).subscription is told
    assert bank.stopped == [(ANNA, "c1")]


async def test_of_a_cancelled_subscription_whose_month_is_over_nothing_is_left_to_end(
    erasure, buy, payments, sessions, bank, clock
) -> None:
    offer = await buy("plus")
    async with sessions.begin() as session:
        await payments.subscription_changed(session, ANNA, offer.payload, "canceled")
    clock.now += MONTH_S + 1
    assert (await erasure.delete(ANNA)).subscription is Renewal.NONE
    assert bank.stopped == []


async def test_a_worker_that_was_still_at_it_finds_its_job_gone(erasure, order, sessions, ledger) -> None:
    await order(ANNA)
    async with sessions.begin() as session:
        job = await ledger.claim(session)
    await erasure.delete(ANNA)
    async with sessions.begin() as session:
        assert not await ledger.finish(session, job.id, job.lease, {"key": "out/late"})
        assert not await ledger.fail(session, job.id, job.lease, {"slug": "internal"})


async def test_the_update_that_ordered_a_job_orders_nothing_when_it_comes_again(erasure, order, sessions) -> None:
    first = await order(ANNA, 7)
    await erasure.delete(ANNA)
    again = await order(ANNA, 7)
    assert again.id == first.id
    async with sessions() as session:
        assert (await session.get(Job, again.id)).state == State.CANCELLED


async def test_the_days_quota_does_not_return_with_a_new_account(
    erasure, order, credits, sessions, accounts, clock
) -> None:
    for update in range(3):
        await order(ANNA, update)
    await erasure.delete(ANNA)
    async with sessions.begin() as session:
        again = await accounts.open(session, ANNA, "en")
        assert (again.banned, (await credits.balance(session, ANNA)).quota_left) == (False, 0)
    clock.now += DAY
    async with sessions() as session:
        assert (await credits.balance(session, ANNA)).quota_left == 3


@pytest.mark.parametrize("later", [0, DAY], ids=["the same day", "a day later, its quota untouched"])
async def test_a_ban_and_a_debt_outlive_the_account_without_its_number(
    erasure, buy, accounts, payments, credits, sessions, clock, later
) -> None:
    offer = await buy("small")
    async with sessions.begin() as session:
        await credits.reserve(session, ANNA, 10, "job-1")
        await credits.settle(session, "job-1")
        await payments.refunded(session, ANNA, "c1", offer.payload, 50)
        await accounts.ban(session, ANNA, banned=True)
    clock.now += later
    removal = await erasure.delete(ANNA)
    assert removal.kept_debt == 7
    assert str(ANNA) not in await everything(sessions)
    async with sessions.begin() as session:
        assert (await accounts.open(session, ANNA, "en")).banned
        assert (await credits.balance(session, ANNA)).debt == 7


async def test_a_ban_can_be_lifted_from_somebody_who_left(erasure, accounts, sessions) -> None:
    async with sessions.begin() as session:
        await accounts.open(session, ANNA, "en")
        await accounts.ban(session, ANNA, banned=True)
    await erasure.delete(ANNA)
    async with sessions.begin() as session:
        assert await accounts.ban(session, ANNA, banned=False)
        assert not (await accounts.open(session, ANNA, "en")).banned


async def test_a_payment_told_again_after_the_account_went_is_not_credited_again(
    erasure, buy, accounts, payments, credits, sessions, clock
) -> None:
    offer = await buy("small")
    await erasure.delete(ANNA)
    async with sessions.begin() as session:
        await accounts.open(session, ANNA, "en")
        receipt = await payments.paid(session, ANNA, Paid("c1", offer.payload, 50, clock.now))
        assert not receipt.new
        assert (await credits.balance(session, ANNA)).credits == 0


@pytest.mark.parametrize("returned", [True, False], ids=["they came back", "they did not"])
async def test_a_refund_told_after_the_account_went_is_recorded(
    erasure, buy, accounts, payments, sessions, returned
) -> None:
    offer = await buy("small")
    await erasure.delete(ANNA)
    async with sessions.begin() as session:
        if returned:
            await accounts.open(session, ANNA, "en")
        refund = await payments.refunded(session, ANNA, "c1", offer.payload, 50)
    assert (refund.new, refund.owed) == (True, 0)


async def test_a_refund_of_a_payment_that_came_too_late_is_recorded_under_nobodys_number(
    payments, accounts, credits, sessions, clock
) -> None:
    async with sessions.begin() as session:
        assert (await payments.refunded(session, ANNA, "c1", "forgotten", 50)).new
    assert str(ANNA) not in await everything(sessions)
    async with sessions.begin() as session:
        await accounts.open(session, ANNA, "en")
        assert not (await payments.paid(session, ANNA, Paid("c1", "forgotten", 50, clock.now))).new
        assert (await credits.balance(session, ANNA)).credits == 0
