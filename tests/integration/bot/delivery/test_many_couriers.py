"""Several couriers and several people: everything comes once, in its order, and nobody takes all hands."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot.accounts.cashier import Cashier
from bot.delivery.courier import Courier
from bot.delivery.messages import Outgoing
from bot.delivery.tables import Delivery
from bot.retention.erasure import Erasure
from serve_app.jobs.states import State
from tests.eventually import until
from tests.integration.bot.accounts.payments.people import FakeBank

from .couriers import ANNA, BORIS, FAMILY, REFUSED, another, delivered


async def test_many_couriers_deliver_everything_once(office, sender, presenter, clock) -> None:
    for person in range(1, 21):
        await office.order(user_id=person)
        await office.order(user_id=person, pieces=2)
    for _ in range(60):
        await office.work()
    couriers = [another(office, sender, presenter, clock) for _ in range(5)]

    await asyncio.gather(*(office.deliver(courier) for courier in couriers))
    assert sum(len(message.pictures) for _, message in sender.sent) == 60
    assert len(sender.sent) == 40
    assert await delivered(office) == 60
    for person in range(1, 21):
        assert (await office.balance(person)).held == 0


async def test_accounts_deleted_while_answers_are_delivered_leave_nothing_half_done(
    office, sender, presenter, clock, sessions, accounts, payments, ledger, objects, vault
) -> None:
    cashier = Cashier(sessions, payments, FakeBank())
    erasure = Erasure(sessions, accounts, cashier, ledger, objects, vault, clock=clock)
    for person in range(1, 13):
        await office.order(user_id=person, pieces=3)
    for number in range(30):
        await office.work(REFUSED if number % 5 == 0 else b"a picture")
    couriers = [another(office, sender, presenter, clock) for _ in range(3)]

    await asyncio.gather(
        *(office.deliver(courier) for courier in couriers),
        *(erasure.delete(person) for person in range(1, 7)),
    )
    # The last picture of everybody who stays was still to be painted.
    for _ in range(6):
        await office.work()
    await office.deliver(couriers[0])
    async with sessions() as session:
        assert {owner for (owner,) in await session.execute(select(Delivery.user_id))} <= set(range(7, 13))
    for person in range(7, 13):
        assert (await office.balance(person)).held == 0


@pytest.mark.parametrize("outcome", [b"a picture", REFUSED], ids=["pictures", "bad news"])
async def test_an_answer_that_was_being_sent_while_its_owner_deleted_everything_is_taken_back(
    office, sender, presenter, clock, sessions, accounts, payments, ledger, objects, vault, outcome
) -> None:
    cashier = Cashier(sessions, payments, FakeBank())
    erasure = Erasure(sessions, accounts, cashier, ledger, objects, vault, clock=clock)
    presenter.closing = Outgoing("All done. Shall I go on?")
    await office.order(pieces=2)
    for _ in range(2):
        await office.work(outcome)

    async def leave():
        assert await erasure.delete(ANNA) is not None

    sender.hook = leave
    await office.deliver()
    arrived = [10, 11] if isinstance(outcome, bytes) else [10]
    assert (len(sender.sent), sender.removed, sender.edits) == (1, [(ANNA, number) for number in arrived], [])


@pytest.fixture
async def running():
    """Runs couriers, and stops them as a process that shuts down does."""
    tasks: list[asyncio.Task[None]] = []

    def run(courier: Courier) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(courier.run()))
        return tasks[-1]

    yield run
    await stop(*tasks)


async def stop(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_persons_answers_do_not_take_all_hands(office, sender, running) -> None:
    """Anna's first message is stuck; her others wait behind it, and Boris has his."""
    anna_had_one, boris_had_one, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hook():
        if sender.sent[-1][0].chat_id == BORIS:
            boris_had_one.set()
        else:
            anna_had_one.set()
            await go_on.wait()

    await office.pay(10)
    for _ in range(8):
        await office.order()
    await office.order(user_id=BORIS)
    for _ in range(9):
        await office.work()
    sender.hook = hook
    running(office.courier)

    async def all_delivered() -> bool:
        return await delivered(office) == 9

    async with asyncio.timeout(30):
        await anna_had_one.wait()
        await boris_had_one.wait()
        assert [to.chat_id for to, _ in sender.sent].count(ANNA) == 1
        go_on.set()
        await until(all_delivered)
    assert len(sender.sent) == 9


async def test_one_groups_members_do_not_take_all_hands(office) -> None:
    for person in range(1, 9):
        await office.order(user_id=person, chat_id=FAMILY)
    await office.order(user_id=BORIS)
    for _ in range(9):
        await office.work()
    (family,), (boris,) = await office.courier._claim(), await office.courier._claim()
    assert (family.owner, boris.owner) == ("tg:1", f"tg:{BORIS}")
    assert await office.courier._claim() == []
    await office.courier._serve([family])
    assert [job.owner for job in await office.courier._claim()] == ["tg:2"]


async def test_a_chat_without_room_holds_no_hand_and_its_answers_keep_their_order(
    office, sender, limiter, clock
) -> None:
    await office.order(user_id=1, chat_id=FAMILY)
    await office.order(user_id=2, chat_id=FAMILY)
    await office.order(user_id=BORIS)
    for _ in range(3):
        await office.work()
    await limiter.refused(FAMILY, 30)
    assert await office.deliver() == 2
    assert [to.chat_id for to, _ in sender.sent] == [BORIS]
    clock.now += 29
    assert await office.deliver() == 0
    clock.now += 2
    await office.deliver()
    assert [to.chat_id for to, _ in sender.sent] == [BORIS, FAMILY, FAMILY]
    async with office.sessions() as session:
        told = select(Delivery.user_id).where(Delivery.chat_id == FAMILY).order_by(Delivery.message_id)
        assert (await session.execute(told)).scalars().all() == [1, 2]


async def test_a_chat_whose_room_others_keep_filling_is_served_after_its_rest(office, sender, limiter, clock) -> None:
    await office.order(chat_id=FAMILY)
    await office.work()
    await limiter.acquire(FAMILY, 10)
    assert await office.deliver() == 1
    assert sender.sent == []
    clock.now += 7
    await limiter.acquire(FAMILY)
    assert await office.deliver() == 1
    assert len(sender.sent) == 1


async def test_a_chat_that_rested_rests_again_while_telegram_demands_a_pause(office, sender, limiter, clock) -> None:
    await office.order(chat_id=FAMILY)
    await office.work()
    await limiter.refused(FAMILY, 30)
    await office.deliver()
    clock.now += 31
    await limiter.refused(FAMILY, 90)
    await office.deliver()
    clock.now += 89
    await office.deliver()
    assert sender.sent == []
    clock.now += 2
    await office.deliver()
    assert len(sender.sent) == 1


async def test_an_album_rests_until_its_group_has_room_for_all_of_it(office, sender, limiter, clock) -> None:
    await office.order(pieces=3, chat_id=FAMILY)
    for _ in range(3):
        await office.work()
    await limiter.acquire(FAMILY, 8)
    await office.deliver()
    clock.now += 5
    await office.deliver()
    assert sender.sent == []
    clock.now += 2
    await office.deliver()
    assert len(sender.sent[0][1].pictures) == 3


async def test_one_persons_answers_come_one_after_the_other(office) -> None:
    for _ in range(2):
        await office.order()
        await office.work()
    first = await office.courier._claim()
    assert await office.courier._claim() == []
    await office.courier._serve(first)
    assert len(await office.courier._claim()) == 1


async def test_a_ledger_that_is_lost_for_a_moment_breaks_off_nothing_in_hand(
    office, sender, running, monkeypatch
) -> None:
    await office.order()
    await office.work()
    claim, looks, go_on = office.ledger.claim_delivery, [], asyncio.Event()
    again = asyncio.Event()

    async def away(*arguments, **options):
        if not sender.sent:
            return await claim(*arguments, **options)
        looks.append(True)
        if len(looks) > 1:
            again.set()
        office.courier.notice()
        raise OperationalError("UPDATE", {}, OSError("the connection is closed"))

    monkeypatch.setattr(office.ledger, "claim_delivery", away)
    sender.hook = go_on.wait
    running(office.courier)
    async with asyncio.timeout(20):
        await again.wait()
        go_on.set()
        await until(lambda: delivered(office))
    assert len(sender.sent) == 1


async def test_a_courier_that_is_stopped_finishes_what_is_in_its_hands(office, sender, running) -> None:
    (job,) = await office.order()
    await office.work()
    sending, go_on = asyncio.Event(), asyncio.Event()

    async def hook():
        sending.set()
        await go_on.wait()

    sender.hook = hook
    task = running(office.courier)
    await asyncio.wait_for(sending.wait(), 20)
    task.cancel()
    go_on.set()
    await stop(task)
    assert (await office.job(job.id)).state == State.DELIVERED
    assert (await office.balance()).held == 0


async def test_a_courier_that_cannot_finish_in_time_lets_another_go_on_at_once(
    office, sender, presenter, clock, ledger, sessions, handover, limiter, running
) -> None:
    await office.order()
    await office.work()
    sending = asyncio.Event()

    async def hook():
        sending.set()
        await asyncio.Event().wait()

    sender.hook = hook
    task = running(Courier(ledger, sessions, handover, limiter, hands=8, drain_s=0.05, heartbeat_s=15.0))
    await asyncio.wait_for(sending.wait(), 20)
    await stop(task)
    sender.hook = None
    clock.now += 1
    assert await office.deliver_once(another(office, sender, presenter, clock))
    assert (await office.balance()).held == 0
