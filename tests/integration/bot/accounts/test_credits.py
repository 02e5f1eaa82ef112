"""Credits: the quota first, never below zero, each job charged once, whatever comes when and how often."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from bot.accounts.credits import InsufficientCredits
from bot.accounts.tables import Entry, User, Wallet

ANNA = 1001
DAY = 86_400.0


@pytest.fixture
async def anna(accounts, sessions) -> int:
    async with sessions.begin() as session:
        await accounts.open(session, ANNA, "en")
    return ANNA


async def do(sessions, call, *args, **kwargs):
    async with sessions.begin() as session:
        return await call(session, *args, **kwargs)


async def balance(sessions, credits):
    async with sessions() as session:
        return await credits.balance(session, ANNA)


async def test_a_new_person_has_the_days_quota_and_nothing_else(sessions, credits, anna) -> None:
    now = await balance(sessions, credits)
    assert (now.plan, now.quota, now.quota_left, now.credits, now.held, now.debt) == ("free", 3, 3, 0, 0, 0)


async def test_the_quota_is_spent_before_credits(sessions, credits, anna) -> None:
    await do(sessions, credits.pay_in, ANNA, 10, "charge-1")
    hold = await do(sessions, credits.reserve, ANNA, 5, "job-1")
    assert (hold.quota, hold.credits, hold.amount) == (3, 2, 5)
    now = await balance(sessions, credits)
    assert (now.quota_left, now.credits, now.held) == (0, 8, 5)


async def test_what_is_not_there_cannot_be_reserved(sessions, credits, anna, clock) -> None:
    await do(sessions, credits.reserve, ANNA, 2, "job-1")
    with pytest.raises(InsufficientCredits) as refusal:
        await do(sessions, credits.reserve, ANNA, 2, "job-2")
    assert refusal.value.details == {"needed": 2, "available": 1, "quota_returns": clock.now + DAY / 2}
    assert (await balance(sessions, credits)).quota_left == 1


async def test_a_reservation_repeated_for_a_job_holds_once(sessions, credits, anna) -> None:
    first = await do(sessions, credits.reserve, ANNA, 2, "job-1")
    assert await do(sessions, credits.reserve, ANNA, 2, "job-1") == first
    assert (await balance(sessions, credits)).quota_left == 1


async def test_settled_is_spent_and_released_comes_back(sessions, credits, anna) -> None:
    await do(sessions, credits.pay_in, ANNA, 10, "charge-1")
    await do(sessions, credits.reserve, ANNA, 4, "job-1")
    await do(sessions, credits.reserve, ANNA, 4, "job-2")
    assert await do(sessions, credits.settle, "job-1")
    assert await do(sessions, credits.release, "job-2")
    now = await balance(sessions, credits)
    assert (now.credits, now.quota_left, now.held) == (9, 0, 0)


@pytest.mark.parametrize(
    ("first", "second"), [("settle", "settle"), ("settle", "release"), ("release", "settle"), ("release", "release")]
)
async def test_a_job_ends_once_however_it_ends(sessions, credits, anna, first, second) -> None:
    await do(sessions, credits.reserve, ANNA, 2, "job-1")
    assert await do(sessions, getattr(credits, first), "job-1")
    after = await balance(sessions, credits)
    assert not await do(sessions, getattr(credits, second), "job-1")
    assert await balance(sessions, credits) == after


async def test_a_job_that_was_never_reserved_cannot_be_ended(sessions, credits, anna) -> None:
    assert not await do(sessions, credits.settle, "job-1")
    assert not await do(sessions, credits.release, "job-1")


async def test_faces_that_could_not_be_swapped_are_not_paid_for(sessions, credits, anna) -> None:
    await do(sessions, credits.pay_in, ANNA, 10, "charge-1")
    await do(sessions, credits.reserve, ANNA, 6, "job-1")
    assert await do(sessions, credits.settle, "job-1", used=2)
    now = await balance(sessions, credits)
    # Three of the four that come back were bought, one was the day's.
    assert (now.credits, now.quota_left) == (10, 1)


async def test_the_quota_returns_with_the_utc_day_and_does_not_pile_up(sessions, credits, anna, clock) -> None:
    await do(sessions, credits.reserve, ANNA, 2, "job-1")
    clock.now += DAY / 2 - 1
    assert (await balance(sessions, credits)).quota_left == 1
    clock.now += 1
    assert (await balance(sessions, credits)).quota_left == 3
    clock.now += 5 * DAY
    assert (await balance(sessions, credits)).quota_left == 3


async def test_yesterdays_quota_does_not_come_back_today(sessions, credits, anna, clock) -> None:
    await do(sessions, credits.reserve, ANNA, 3, "job-1")
    clock.now += DAY
    await do(sessions, credits.reserve, ANNA, 1, "job-2")
    assert await do(sessions, credits.release, "job-1")
    assert (await balance(sessions, credits)).quota_left == 2


async def test_a_replica_whose_clock_is_behind_does_not_bring_yesterday_back(sessions, credits, anna, clock) -> None:
    clock.now += DAY
    await do(sessions, credits.reserve, ANNA, 3, "job-1")
    clock.now -= DAY
    with pytest.raises(InsufficientCredits):
        await do(sessions, credits.reserve, ANNA, 1, "job-2")


async def test_a_subscriber_has_the_larger_quota_until_it_ends(sessions, credits, anna, clock) -> None:
    async with sessions.begin() as session:
        (await session.get(User, ANNA)).plus_until = clock.now + 100
    await do(sessions, credits.reserve, ANNA, 15, "job-1")
    now = await balance(sessions, credits)
    assert (now.plan, now.quota, now.quota_left) == ("plus", 20, 5)
    clock.now += 101
    now = await balance(sessions, credits)
    assert (now.plan, now.quota_left) == ("free", 0)


async def test_a_charge_is_paid_in_once(sessions, credits, anna) -> None:
    assert await do(sessions, credits.pay_in, ANNA, 10, "charge-1")
    assert not await do(sessions, credits.pay_in, ANNA, 10, "charge-1")
    assert (await balance(sessions, credits)).credits == 10


async def test_a_refund_of_spent_credits_leaves_a_debt_that_the_next_credits_pay(sessions, credits, anna) -> None:
    await do(sessions, credits.pay_in, ANNA, 10, "charge-1")
    await do(sessions, credits.reserve, ANNA, 7, "job-1")
    await do(sessions, credits.settle, "job-1")
    for _ in ("booked by the operator", "told by Telegram"):
        assert await do(sessions, credits.take_back, ANNA, 10, "charge-1") == 4
    now = await balance(sessions, credits)
    assert (now.credits, now.debt) == (0, 4)
    await do(sessions, credits.pay_in, ANNA, 10, "charge-2")
    now = await balance(sessions, credits)
    assert (now.credits, now.debt) == (6, 0)


async def test_credits_released_after_a_refund_pay_the_debt(sessions, credits, anna) -> None:
    await do(sessions, credits.pay_in, ANNA, 10, "charge-1")
    await do(sessions, credits.reserve, ANNA, 7, "job-1")
    await do(sessions, credits.take_back, ANNA, 10, "charge-1")
    await do(sessions, credits.release, "job-1")
    now = await balance(sessions, credits)
    assert (now.credits, now.debt, now.quota_left) == (0, 0, 3)


async def test_reservations_at_the_same_time_never_spend_what_is_not_there(sessions, credits, anna) -> None:
    await do(sessions, credits.pay_in, ANNA, 4, "charge-1")

    async def reserve(number: int) -> bool:
        try:
            await do(sessions, credits.reserve, ANNA, 1, f"job-{number}")
        except InsufficientCredits:
            return False
        return True

    assert sum(await asyncio.gather(*(reserve(number) for number in range(20)))) == 7
    now = await balance(sessions, credits)
    assert (now.quota_left + now.credits, now.held) == (0, 7)


async def test_one_job_reserved_through_ten_doors_at_once_is_held_once(sessions, credits, anna) -> None:
    holds = await asyncio.gather(*(do(sessions, credits.reserve, ANNA, 2, "job-1") for _ in range(10)))
    assert len(set(holds)) == 1
    assert (await balance(sessions, credits)).held == 2


async def test_settling_and_releasing_at_the_same_time_is_one_of_them(sessions, credits, anna) -> None:
    for number in range(5):
        await do(sessions, credits.pay_in, ANNA, 2, f"charge-{number}")
        await do(sessions, credits.reserve, ANNA, 2, f"job-{number}")
        ends = [do(sessions, call, f"job-{number}") for call in (credits.settle, credits.release) * 3]
        assert sum(await asyncio.gather(*ends)) == 1


async def test_ten_payments_and_ten_reservations_at_once_add_up(sessions, credits, anna) -> None:
    await do(sessions, credits.pay_in, ANNA, 20, "charge-0")
    await asyncio.gather(
        *(do(sessions, credits.pay_in, ANNA, 1, f"charge-{number}") for number in range(1, 11)),
        *(do(sessions, credits.reserve, ANNA, 2, f"job-{number}") for number in range(10)),
    )
    now = await balance(sessions, credits)
    assert (now.quota_left + now.credits, now.held) == (13, 20)
    async with sessions() as session:
        wallet = await session.get(Wallet, ANNA)
        total = (await session.execute(select(func.sum(Entry.credits)).where(Entry.user_id == ANNA))).scalar_one()
    assert wallet.balance == total


async def test_a_job_that_ends_while_its_account_is_deleted_ends_without_an_error(sessions, credits, anna) -> None:
    await do(sessions, credits.reserve, ANNA, 2, "job-1")
    async with sessions.begin() as deletion:
        await deletion.delete(await deletion.get(User, ANNA))
        await deletion.flush()
        settling = asyncio.create_task(do(sessions, credits.settle, "job-1"))
        # Time to look the job up and to be kept waiting by the deletion; without it there is nothing to be tested.
        await asyncio.wait([settling], timeout=0.3)
        assert not settling.done()
    assert await settling is False


async def test_a_rolled_back_transaction_holds_nothing(sessions, credits, anna) -> None:
    with pytest.raises(RuntimeError):
        async with sessions.begin() as session:
            await credits.reserve(session, ANNA, 2, "job-1")
            raise RuntimeError("the job could not be recorded")
    assert (await balance(sessions, credits)).quota_left == 3
