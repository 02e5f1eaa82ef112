"""Couriers that are killed or fall silent: another takes over, and everything is paid for once."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery.courier import Courier
from bot.delivery.messages import Unreachable
from serve_app.jobs.states import State

from .couriers import another


class Killed(BaseException):
    """SIGKILL, as far as a test can have it: nothing after this line runs in that process."""


async def kill():
    raise Killed


async def test_killed_between_sending_and_recording_the_picture_may_come_twice_but_is_paid_once(
    office, sender, presenter, clock
) -> None:
    (job,) = await office.order()
    await office.work()
    sender.hook = kill
    with pytest.raises(Killed):
        await office.deliver_once()
    sender.hook = None
    survivor = another(office, sender, presenter, clock)
    assert not await office.deliver_once(survivor)
    clock.now += 61
    assert await office.deliver_once(survivor)
    assert len(sender.sent) == 2
    assert (await office.slip(job.id)).repeats == 1
    balance = await office.balance()
    assert (balance.quota_left, balance.held) == (2, 0)


async def test_killed_before_sending_it_arrives_once(office, sender, presenter, clock, monkeypatch) -> None:
    (job,) = await office.order()
    await office.work()
    with monkeypatch.context() as patched:
        patched.setattr(office.handover, "_intend", lambda _: kill())
        with pytest.raises(Killed):
            await office.deliver_once()
    clock.now += 61
    survivor = another(office, sender, presenter, clock)
    assert await office.deliver_once(survivor)
    assert (len(sender.sent), (await office.slip(job.id)).repeats) == (1, 0)


async def test_a_courier_that_fell_silent_records_nothing_over_the_one_who_took_over(
    office, sender, presenter, clock
) -> None:
    (job,) = await office.order()
    await office.work()
    other = another(office, sender, presenter, clock)

    async def fall_asleep():
        sender.hook = None
        clock.now += 61
        assert await office.deliver_once(other)

    sender.hook = fall_asleep
    await office.deliver_once()
    assert len(sender.sent) == 2
    assert (await office.slip(job.id)).message_id == 20
    assert (await office.balance()).quota_left == 2


async def test_a_courier_that_fell_silent_gives_nothing_up_over_the_one_who_took_over(
    office, sender, presenter, clock
) -> None:
    (job,) = await office.order()
    await office.work()
    other = another(office, sender, presenter, clock)
    taken_over = []

    async def fall_asleep():
        sender.hook = None
        clock.now += 61
        taken_over.extend(await other._claim())
        raise Unreachable("chat not found")

    sender.hook = fall_asleep
    await office.deliver_once()
    await other._serve(taken_over)
    assert (await office.job(job.id)).state == State.DELIVERED
    balance = await office.balance()
    assert (balance.quota_left, balance.held) == (2, 0)


async def test_a_courier_that_fell_silent_before_it_sent_anything_sends_nothing(
    office, sender, presenter, clock
) -> None:
    await office.order()
    await office.work()
    claimed = await office.courier._claim()
    clock.now += 61
    assert await office.deliver_once(another(office, sender, presenter, clock))
    await office.courier._serve(claimed)
    assert len(sender.sent) == 1


async def test_a_message_that_waits_for_its_turn_keeps_its_lease(
    office, sender, presenter, clock, ledger, sessions, handover, limiter
) -> None:
    (job,) = await office.order()
    await office.work()
    taken_over: list[bool] = []

    async def wait():
        clock.now += 50
        async with asyncio.timeout(20):
            while (await office.job(job.id)).lease_until < clock.now + 50:
                await asyncio.sleep(0.005)
        clock.now += 50
        taken_over.append(await office.deliver_once(another(office, sender, presenter, clock)))

    sender.hook = wait
    courier = Courier(ledger, sessions, handover, limiter, hands=8, drain_s=20.0, heartbeat_s=0.01)
    assert await office.deliver_once(courier)
    # A sender that breaks off is an answer that may not have arrived, not an error of the test.
    assert taken_over == [False]
    assert len(sender.sent) == 1
