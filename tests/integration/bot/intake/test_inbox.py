"""Updates delivered again are recognised; what was not finished is not lost."""

from __future__ import annotations

import asyncio

import pytest

from bot.intake.inbox import Admission, Inbox
from bot.intake.tables import SeenUpdate


@pytest.fixture
def inbox(sessions, clock) -> Inbox:
    return Inbox(sessions, lease_s=90, clock=clock)


async def until(sessions, update_id) -> float:
    async with sessions() as session:
        return (await session.get_one(SeenUpdate, update_id)).until


async def test_an_update_is_new_once(inbox) -> None:
    assert await inbox.admit(1) is Admission.NEW
    await inbox.done(1)
    assert await inbox.admit(1) is Admission.DONE
    assert await inbox.admit(2) is Admission.NEW


async def test_an_update_that_is_being_handled_waits(inbox) -> None:
    await inbox.admit(1)
    assert await inbox.admit(1) is Admission.BUSY


async def test_an_update_whose_handler_died_is_handled_again(inbox, clock) -> None:
    await inbox.admit(1)
    clock.now += 91
    assert await inbox.admit(1) is Admission.NEW
    assert await inbox.admit(1) is Admission.BUSY


async def test_an_update_that_takes_longer_than_its_lease_is_in_one_hand_all_the_while(sessions, clock) -> None:
    inbox = Inbox(sessions, lease_s=0.03, clock=clock)
    await inbox.admit(1)
    async with inbox.in_hand(1), asyncio.timeout(20):
        for _ in range(3):
            clock.now += 1
            # Renewed, it is nobody else's until a lease after this moment.
            while await until(sessions, 1) < clock.now:
                await asyncio.sleep(0.01)
            assert await inbox.admit(1) is Admission.BUSY
    clock.now += 1
    assert await inbox.admit(1) is Admission.NEW


async def test_an_update_that_failed_may_come_again_at_once(inbox) -> None:
    await inbox.admit(1)
    await inbox.again(1)
    assert await inbox.admit(1) is Admission.NEW


async def test_ten_deliveries_at_once_are_handled_once(inbox) -> None:
    admissions = await asyncio.gather(*(inbox.admit(1) for _ in range(10)))
    assert sorted(admission.name for admission in admissions) == ["BUSY"] * 9 + ["NEW"]


async def test_an_older_number_is_no_reason_to_think_it_known(inbox) -> None:
    await inbox.admit(1_000)
    await inbox.done(1_000)
    assert await inbox.admit(999) is Admission.NEW


async def test_updates_are_remembered_for_two_days(inbox, clock) -> None:
    await inbox.admit(1)
    await inbox.done(1)
    clock.now += 48 * 3600 - 1
    assert await inbox.sweep() == 0
    clock.now += 2
    await inbox.admit(2)
    assert await inbox.sweep() == 1
    assert await inbox.admit(2) is Admission.BUSY
