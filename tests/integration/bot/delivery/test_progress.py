"""Status messages: true, edited once and only when something changed; activities while the work goes on."""

from __future__ import annotations

import asyncio

import pytest

from bot.accounts.accounts import CHANNEL
from bot.accounts.cashier import Cashier
from bot.delivery.messages import Address, Flooded, Outgoing, Rejected, Uncertain
from bot.delivery.places import BEGUN_S, Places
from bot.delivery.progress import Progress
from bot.retention.erasure import Erasure
from serve_app.jobs.ledger import Order
from tests.eventually import until
from tests.integration.bot.accounts.payments.people import FakeBank

ANNA, BORIS = 1001, 1002


class Plain:
    async def status(self, delivery, position) -> Outgoing:
        return Outgoing("working" if position is None else f"{position} before you")


class FakeRoom:
    """There is a lull whenever one is waited for; meanwhile ``before`` happens. ``closed`` chats have no room."""

    def __init__(self) -> None:
        self.before = None
        self.closed: list[int] = []
        self.lulls = 0

    async def lull(self) -> None:
        self.lulls += 1
        if self.before is not None:
            await self.before()

    async def enter(self, chat_id) -> bool:
        if chat_id not in self.closed:
            return True
        self.closed.remove(chat_id)
        return False


@pytest.fixture
def room() -> FakeRoom:
    return FakeRoom()


@pytest.fixture
def places(ledger, clock) -> Places:
    return Places(ledger, clock=clock)


@pytest.fixture
def progress(places, sessions, sender, room) -> Progress:
    return Progress(places, sessions, sender, Plain(), room)


async def told(progress) -> int:
    """Look once, and tell all there is to tell; returns how many messages left."""
    await progress._look()
    count = 0
    while progress._news.is_set():
        count += await progress._tell_next()
    return count


async def ordered(office, progress, user_id, message_id, pieces=1):
    account_jobs = await office.order(user_id=user_id, pieces=pieces)
    async with office.sessions() as session:
        position = await office.ledger.position(session, account_jobs[0])
    await progress.show([job.id for job in account_jobs], user_id, message_id, position)
    return account_jobs


async def test_a_place_in_the_queue_is_edited_when_it_changes_and_only_then(office, progress, sender) -> None:
    for person in (1, 2, 3):
        await ordered(office, progress, person, person * 10)
    assert await told(progress) == 0
    await office.work()
    assert await told(progress) == 2
    assert sorted(sender.edits) == [(2, 20, "0 before you"), (3, 30, "1 before you")]
    assert await told(progress) == 0


async def test_a_place_is_the_one_at_the_moment_the_message_leaves(office, progress, sender, room) -> None:
    await office.order(user_id=BORIS)
    jobs = await office.order(user_id=ANNA)
    progress.announce([job.id for job in jobs], Address(ANNA))
    room.before = office.work
    assert await told(progress) == 1
    assert sender.texts == ["0 before you"]


async def test_an_edited_place_is_the_one_at_the_moment_the_edit_leaves(office, progress, sender, room) -> None:
    for person in (1, 2, 3):
        await ordered(office, progress, person, person * 10)
    await office.work()

    async def first_lull() -> None:
        if room.lulls == 1:
            await office.work()

    room.before = first_lull
    assert await told(progress) == 1
    assert sender.edits == [(3, 30, "0 before you")]


async def test_what_has_ended_before_there_was_room_is_not_told(office, progress, sender, room) -> None:
    jobs = await office.order()
    await office.work()
    progress.announce([job.id for job in jobs], Address(ANNA))
    assert await told(progress) == 0
    assert (sender.sent, room.lulls) == ([], 0)


async def test_who_came_last_is_told_first(office, progress, sender) -> None:
    for person in (1, 2, 3):
        progress.announce([(await office.order(user_id=person))[0].id], Address(person))
    await told(progress)
    assert [to.chat_id for to, _ in sender.sent] == [3, 2, 1]


async def test_news_for_a_chat_without_room_comes_later(office, progress, sender, room) -> None:
    for person in (BORIS, ANNA):
        progress.announce([(await office.order(user_id=person))[0].id], Address(person))
    room.closed = [ANNA]
    assert await told(progress) == 2
    assert [to.chat_id for to, _ in sender.sent] == [BORIS, ANNA]


async def test_news_for_a_chat_that_stays_full_for_a_while_is_told_once_when_there_is_room(
    office, progress, sender, room
) -> None:
    progress.announce([(await office.order(user_id=ANNA))[0].id], Address(ANNA))
    room.closed = [ANNA] * 12
    for _ in range(4):
        await told(progress)
    assert sender.texts == ["0 before you"]


async def test_news_for_a_chat_without_room_takes_little_of_the_others_room(office, progress, room) -> None:
    progress.announce([(await office.order(user_id=ANNA))[0].id], Address(ANNA))
    room.closed = [ANNA] * 100
    assert await told(progress) == 0
    assert room.lulls == 5


async def test_news_of_what_has_ended_meanwhile_is_not_waited_with(office, progress, sender, room) -> None:
    progress.announce([(await office.order(user_id=ANNA))[0].id], Address(ANNA))
    room.closed = [ANNA] * 5
    await told(progress)
    await office.work()
    assert await told(progress) == 0
    assert (sender.sent, room.lulls) == ([], 5)


async def test_news_that_comes_during_a_look_is_told(office, progress, places, sender, monkeypatch) -> None:
    (job,) = await office.order(user_id=ANNA)
    stale = places.stale

    async def meanwhile(session):
        progress.announce([job.id], Address(ANNA))
        return await stale(session)

    monkeypatch.setattr(places, "stale", meanwhile)
    assert await told(progress) == 1
    assert sender.texts == ["0 before you"]


async def test_refused_news_is_looked_up_again(office, progress, sender, room) -> None:
    await office.order(user_id=BORIS)
    progress.announce([(await office.order(user_id=ANNA))[0].id], Address(ANNA))
    sender.mishaps = [Flooded(1)]

    async def second_lull() -> None:
        if room.lulls == 2:
            await office.work()

    room.before = second_lull
    assert await told(progress) == 1
    assert sender.texts == ["0 before you"]


@pytest.mark.parametrize("mishap", [Flooded(9), Uncertain("cut"), Rejected("no")])
async def test_a_place_that_cannot_be_told_at_all_fails_nothing(office, progress, sender, mishap) -> None:
    sender.mishaps = [mishap] * 50
    progress.announce([(await office.order())[0].id], Address(ANNA))
    assert await told(progress) == 0
    assert sender.sent == []


async def test_news_that_a_lost_database_kept_from_being_told_is_told_when_it_is_back(
    office, progress, places, sender, monkeypatch
) -> None:
    progress.announce([(await office.order())[0].id], Address(ANNA))

    async def lost(*_: object) -> None:
        monkeypatch.undo()
        raise ConnectionRefusedError("no database")

    monkeypatch.setattr(places, "of", lost)
    with pytest.raises(ConnectionRefusedError):
        await told(progress)
    assert await told(progress) == 1
    assert sender.texts == ["0 before you"]


async def test_news_that_may_have_arrived_is_not_told_twice(office, progress, sender) -> None:
    progress.announce([(await office.order())[0].id], Address(ANNA))
    sender.mishaps = [Uncertain("cut")]
    assert [await told(progress) for _ in range(3)] == [0, 0, 0]
    assert sender.sent == []


async def test_news_that_a_process_took_with_it_is_told_once_by_those_that_come_after(
    office, progress, places, sender, sessions, room
) -> None:
    await ordered(office, progress, BORIS, 20)
    jobs = await office.order(user_id=ANNA, pieces=2)
    progress.announce([job.id for job in jobs], Address(ANNA))
    after = [Progress(places, sessions, sender, Plain(), room) for _ in range(3)]
    running = [asyncio.create_task(one.run()) for one in after]
    try:
        async with asyncio.timeout(20):
            while not all([(await office.slip(job.id)).status_id for job in jobs]):
                await asyncio.sleep(0.005)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    # Were it still there, it would not repeat what was told.
    assert await told(progress) == 0
    assert [(to.chat_id, message.text) for to, message in sender.sent] == [(ANNA, "1 before you")]


async def test_news_is_told_as_it_comes(office, progress, sender) -> None:
    running = asyncio.create_task(progress.run())
    try:
        progress.announce([(await office.order())[0].id], Address(ANNA))
        await until(lambda: sender.sent)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert sender.texts == ["0 before you"]


async def test_the_beginning_of_work_that_takes_a_while_is_told(
    office, progress, sender, ledger, sessions, clock
) -> None:
    await ordered(office, progress, ANNA, 10)
    async with sessions.begin() as session:
        await ledger.claim(session, channel=CHANNEL)
    assert await told(progress) == 0
    clock.now += BEGUN_S + 1
    assert await told(progress) == 1
    assert sender.edits == [(ANNA, 10, "working")]
    assert await told(progress) == 0


async def test_a_request_that_found_no_room_is_not_told_that_it_is_being_made(
    office, progress, sender, ledger, sessions, clock
) -> None:
    await ordered(office, progress, BORIS, 20)
    await ordered(office, progress, ANNA, 10)
    async with sessions.begin() as session:
        job = await ledger.claim(session, channel=CHANNEL)
    async with sessions.begin() as session:
        assert await ledger.put_back(session, job.id, job.lease, 30.0, {"slug": "busy"}, attempted=False)
    clock.now += BEGUN_S + 1
    assert await told(progress) == 0
    assert sender.edits == []


async def test_an_albums_one_message_speaks_of_its_first_unfinished_photo(office, progress, sender) -> None:
    await ordered(office, progress, BORIS, 20)
    await ordered(office, progress, ANNA, 10, pieces=3)
    await office.work()
    assert await told(progress) == 1
    assert sender.edits == [(ANNA, 10, "0 before you")]
    await office.work()
    assert await told(progress) == 0


async def test_jobs_of_other_channels_are_not_before_anybody_here(office, progress, sender, ledger, sessions) -> None:
    async with sessions.begin() as session:
        await ledger.submit(session, Order("style", "http", "anyone"))
    await ordered(office, progress, ANNA, 10)
    assert await told(progress) == 0
    assert (await office.slip((await office.order(user_id=BORIS))[0].id)).position is None


async def test_many_replicas_make_each_edit_once(office, progress, sender, places, sessions, room) -> None:
    for person in (1, 2, 3):
        await ordered(office, progress, person, person * 10)
    await office.work()
    replicas = [Progress(places, sessions, sender, Plain(), room) for _ in range(5)]
    edits = await asyncio.gather(*(told(replica) for replica in replicas))
    assert sum(edits) == len(sender.edits) == 2


async def test_what_is_furthest_from_the_truth_is_mended_first(office, progress, sender) -> None:
    for person in range(1, 7):
        await ordered(office, progress, person, person)
    for _ in range(2):
        await office.work()
    assert await told(progress) == 4
    # All of them moved up by two, which means most to those who are next.
    assert [chat for chat, _, _ in sender.edits] == [3, 4, 5, 6]
    assert await told(progress) == 0


async def test_a_message_slower_than_the_work_is_taken_away_again(office, progress, sender) -> None:
    (job,) = await office.order()
    await office.work()
    await office.deliver()
    await progress.show([job.id], ANNA, 55, 0)
    assert sender.removed == [(ANNA, 55)]


async def test_a_message_that_comes_while_the_answer_is_on_its_way_is_taken_away_with_it(
    office, progress, sender
) -> None:
    (job,) = await office.order()
    await office.work()

    async def hook():
        sender.hook = None
        await progress.show([job.id], ANNA, 55, 0)

    sender.hook = hook
    await office.deliver()
    assert sender.removed == [(ANNA, 55)]


async def test_a_message_that_was_on_its_way_when_its_account_was_deleted_is_taken_away_again(
    office, progress, sender, sessions, accounts, payments, ledger, objects, vault, clock
) -> None:
    cashier = Cashier(sessions, payments, FakeBank())
    erasure = Erasure(sessions, accounts, cashier, ledger, objects, vault, clock=clock)
    jobs = await office.order()

    async def leaves():
        sender.hook = None
        # Nothing is known yet of a message that could be removed with the rest.
        assert (await erasure.delete(ANNA)).statuses == frozenset()

    sender.hook = leaves
    progress.announce([job.id for job in jobs], Address(ANNA))
    await told(progress)
    assert sender.texts == ["0 before you"]
    assert sender.removed == [(ANNA, 10)]


async def test_an_edit_that_does_not_get_through_spoils_nothing(office, progress, sender, monkeypatch) -> None:
    for person in (1, 2, 3):
        await ordered(office, progress, person, person * 10)
    await office.work()

    async def broken(*_):
        raise Uncertain("cut")

    monkeypatch.setattr(sender, "edit", broken)
    assert await told(progress) == 0


async def test_an_edit_for_a_chat_without_room_is_made_another_time(office, progress, sender, room) -> None:
    await ordered(office, progress, 1, 10)
    await ordered(office, progress, 2, 20)
    await office.work()
    room.closed = [2]
    assert await told(progress) == 0
    assert await told(progress) == 1


async def test_an_activity_shows_while_the_work_goes_on(office, progress, sender, monkeypatch) -> None:
    monkeypatch.setattr("bot.delivery.progress.ACTION_S", 0.01)
    (job,) = await office.order()
    async with progress.acting(job.id):
        await until(lambda: len(sender.actions) >= 3)
    assert not [task for task in asyncio.all_tasks() if "Progress._act" in repr(task)]
    ((to, action), *_) = sender.actions
    assert (to.chat_id, action) == (ANNA, "upload_photo")


async def test_work_for_nobody_shows_nothing(progress, sender) -> None:
    async with progress.acting("no such job"):
        pass
    assert sender.actions == []


async def test_work_that_fails_ends_the_activity_and_keeps_its_error(office, progress) -> None:
    (job,) = await office.order()
    with pytest.raises(ZeroDivisionError):
        async with progress.acting(job.id):
            raise ZeroDivisionError
