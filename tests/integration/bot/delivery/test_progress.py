"""Status messages: true, edited once and only when something changed; activities while the work goes on."""

from __future__ import annotations

import asyncio

import pytest

from bot.delivery.messages import Address, NoRoom, Outgoing, Uncertain
from bot.delivery.progress import ANNOUNCEMENTS, Progress
from bot.intake import CHANNEL
from serve_app.jobs.ledger import Order

ANNA, BORIS = 1001, 1002


class Plain:
    async def status(self, delivery, position) -> Outgoing:
        return Outgoing("working" if position is None else f"{position} before you")


@pytest.fixture
def progress(ledger, sessions, sender) -> Progress:
    return Progress(ledger, sessions, sender, Plain(), channel=CHANNEL, edits_per_round=3)


async def ordered(office, progress, user_id, message_id, pieces=1):
    account_jobs = await office.order(user_id=user_id, pieces=pieces)
    async with office.sessions() as session:
        position = await office.ledger.position(session, account_jobs[0])
    await progress.show([job.id for job in account_jobs], message_id, position)
    return account_jobs


async def test_a_place_in_the_queue_is_edited_when_it_changes_and_only_then(office, progress, sender) -> None:
    for person in (1, 2, 3):
        await ordered(office, progress, person, person * 10)
    assert await progress.round() == 0
    await office.work()
    assert await progress.round() == 2
    assert sorted(sender.edits) == [(2, 20, "0 before you"), (3, 30, "1 before you")]
    assert await progress.round() == 0


async def test_a_place_that_could_not_be_told_at_once_is_looked_up_again(office, progress, sender) -> None:
    await office.order(user_id=BORIS)
    jobs = await office.order(user_id=ANNA)
    sender.mishaps = [NoRoom("full")]
    send = sender.send

    async def crowded(to, message):
        try:
            return await send(to, message)
        except NoRoom:
            await office.work()
            raise

    sender.send = crowded
    await progress.announce([job.id for job in jobs], Address(ANNA))
    assert sender.texts == ["0 before you"]
    assert await progress.round() == 0


@pytest.mark.parametrize("mishap", [NoRoom("full"), Uncertain("cut")])
async def test_a_place_that_cannot_be_told_at_all_fails_nothing(office, progress, sender, mishap) -> None:
    jobs = await office.order(user_id=ANNA)
    sender.mishaps = [mishap] * ANNOUNCEMENTS
    await progress.announce([job.id for job in jobs], Address(ANNA))
    assert sender.sent == []


async def test_the_beginning_of_the_work_is_told(office, progress, sender, ledger, sessions) -> None:
    await ordered(office, progress, ANNA, 10)
    async with sessions.begin() as session:
        await ledger.claim(session, channel=CHANNEL)
    assert await progress.round() == 1
    assert sender.edits == [(ANNA, 10, "working")]
    assert await progress.round() == 0


async def test_an_albums_one_message_speaks_of_its_first_unfinished_photo(office, progress, sender) -> None:
    await ordered(office, progress, BORIS, 20)
    await ordered(office, progress, ANNA, 10, pieces=3)
    await office.work()
    assert await progress.round() == 1
    assert sender.edits == [(ANNA, 10, "0 before you")]
    await office.work()
    assert await progress.round() == 0


async def test_jobs_of_other_channels_are_not_before_anybody_here(office, progress, sender, ledger, sessions) -> None:
    async with sessions.begin() as session:
        await ledger.submit(session, Order("style", "http", "anyone"))
    await ordered(office, progress, ANNA, 10)
    assert await progress.round() == 0
    assert (await office.slip((await office.order(user_id=BORIS))[0].id)).position is None


async def test_many_replicas_make_each_edit_once(office, progress, sender, ledger, sessions) -> None:
    for person in (1, 2, 3):
        await ordered(office, progress, person, person * 10)
    await office.work()
    replicas = [Progress(ledger, sessions, sender, Plain(), channel=CHANNEL) for _ in range(5)]
    edits = await asyncio.gather(*(replica.round() for replica in replicas))
    assert sum(edits) == len(sender.edits) == 2


async def test_a_round_mends_what_is_furthest_from_the_truth(office, progress, sender) -> None:
    for person in range(1, 9):
        await ordered(office, progress, person, person)
    for _ in range(2):
        await office.work()
    assert await progress.round() == 3
    # Of the six who moved up by two, the first three gained most.
    assert sorted(chat for chat, _, _ in sender.edits) == [3, 4, 5]
    assert await progress.round() == 3
    assert await progress.round() == 0


async def test_a_message_slower_than_the_work_is_taken_away_again(office, progress, sender) -> None:
    (job,) = await office.order()
    await office.work()
    await office.deliver()
    await progress.show([job.id], 55, 0)
    assert sender.removed == [(ANNA, 55)]


async def test_a_message_that_comes_while_the_answer_is_on_its_way_is_taken_away_with_it(
    office, progress, sender
) -> None:
    (job,) = await office.order()
    await office.work()

    async def hook():
        sender.hook = None
        await progress.show([job.id], 55, 0)

    sender.hook = hook
    await office.deliver()
    assert sender.removed == [(ANNA, 55)]


async def test_an_edit_that_does_not_get_through_spoils_nothing(office, progress, sender, monkeypatch) -> None:
    for person in (1, 2, 3):
        await ordered(office, progress, person, person * 10)
    await office.work()

    async def broken(*_):
        raise Uncertain("cut")

    monkeypatch.setattr(sender, "edit", broken)
    assert await progress.round() == 0


async def test_an_edit_the_limits_leave_no_room_for_is_given_up(office, ledger, sessions, sender, monkeypatch) -> None:
    hasty = Progress(ledger, sessions, sender, Plain(), channel=CHANNEL, patience_s=0.05)
    await ordered(office, hasty, 1, 10)
    await ordered(office, hasty, 2, 20)
    await office.work()

    async def stuck(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(sender, "edit", stuck)
    assert await asyncio.wait_for(hasty.round(), 20) == 0


async def test_an_activity_shows_while_the_work_goes_on(office, progress, sender, monkeypatch) -> None:
    monkeypatch.setattr("bot.delivery.progress.ACTION_S", 0.01)
    (job,) = await office.order()
    async with progress.acting(job.id):
        async with asyncio.timeout(20):
            while len(sender.actions) < 3:
                await asyncio.sleep(0.005)
    seen = len(sender.actions)
    await asyncio.sleep(0.05)
    assert len(sender.actions) == seen
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
