"""Answers reach people once, crashes or not, and only what arrived is paid for."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.accounts.accounts import CHANNEL
from bot.accounts.events import EventKind
from bot.accounts.tables import Event
from bot.delivery.handover import GIVE_UP_S
from bot.delivery.messages import (
    Flooded,
    NoPictures,
    Outgoing,
    Rejected,
    Uncertain,
    Unreachable,
)
from bot.delivery.tables import Delivery
from deployments.errors import Unavailable
from serve_app.jobs.states import State

ANNA, BORIS = 1001, 1002
REFUSED = {"slug": "refused", "message": "Not this one.", "status": 451}


async def test_a_result_arrives_is_paid_for_and_its_file_id_kept(office, sender) -> None:
    (job,) = await office.order()
    await office.work()
    assert await office.deliver() == 1
    ((to, message),) = sender.sent
    assert (to.chat_id, to.reply_to, message.pictures[0].data) == (ANNA, 100, b"a picture")
    assert (await office.job(job.id)).state == State.DELIVERED
    slip = await office.slip(job.id)
    assert (slip.message_id, slip.file_id, slip.repeats, slip.sent is not None) == (10, "file-10", 0, True)
    balance = await office.balance()
    assert (balance.quota_left, balance.held) == (2, 0)


async def test_a_failure_is_told_once_and_costs_nothing(office, sender) -> None:
    (job,) = await office.order()
    await office.work(REFUSED)
    assert await office.deliver() == 1
    assert await office.deliver() == 0
    assert sender.texts == ["failed: refused"]
    told = await office.job(job.id)
    assert (told.state, told.delivered is not None) == (State.FAILED, True)
    balance = await office.balance()
    assert (balance.quota_left, balance.held) == (3, 0)


async def test_a_job_that_was_given_up_is_told_as_well(office, sender, ledger, sessions, clock) -> None:
    await office.order()
    for _ in range(4):
        async with sessions.begin() as session:
            await ledger.claim(session, channel=CHANNEL)
        clock.now += 61
    assert await office.deliver() == 1
    assert sender.texts == ["failed: internal"]


@pytest.mark.parametrize(("stayed", "left"), [(1, 9), (3, 13), (4, 13)])
async def test_faces_that_stayed_are_not_paid_for(office, stayed, left) -> None:
    await office.pay(10)
    await office.order(kind="swap", units=3)
    assert (await office.balance()).held == 6
    await office.work(notes=["a face stays: it looks away"] * stayed)
    await office.deliver()
    balance = await office.balance()
    assert (balance.quota_left + balance.credits, balance.held) == (left, 0)


async def test_an_albums_answers_come_together_in_order_when_all_are_done(office, sender) -> None:
    jobs = await office.order(pieces=3)
    for number in range(3):
        assert await office.deliver() == 0
        await office.work(f"picture {number}".encode())
    assert await office.deliver() == 1
    ((_, message),) = sender.sent
    assert [picture.data for picture in message.pictures] == [b"picture 0", b"picture 1", b"picture 2"]
    slips = [await office.slip(job.id) for job in jobs]
    assert [(slip.message_id, slip.file_id) for slip in slips] == [(10, "file-10"), (11, "file-11"), (12, "file-12")]
    assert (await office.balance()).quota_left == 0


async def test_an_album_with_a_failure_is_what_there_is_and_a_word_about_the_rest(office, sender) -> None:
    await office.order(pieces=3)
    await office.work(b"first")
    await office.work(REFUSED)
    await office.work(b"third")
    assert await office.deliver() == 1
    (_, album), (_, text) = sender.sent
    assert [picture.data for picture in album.pictures] == [b"first", b"third"]
    assert text.text == "failed: refused"
    assert (await office.balance()).quota_left == 1


async def test_a_broken_connection_is_tried_again_and_counted(office, sender, clock) -> None:
    (job,) = await office.order()
    await office.work()
    sender.mishaps = [Uncertain("cut"), Uncertain("cut")]
    for _ in range(3):
        assert await office.deliver_once()
        assert not await office.deliver_once()
        clock.now += 10
    assert len(sender.sent) == 1
    assert (await office.slip(job.id)).repeats == 2
    assert (await office.balance()).quota_left == 2


async def test_a_flood_is_waited_out_and_is_no_repetition(office, sender, clock) -> None:
    (job,) = await office.order()
    await office.work()
    sender.mishaps = [Flooded(30)]
    assert await office.deliver_once()
    clock.now += 29
    assert not await office.deliver_once()
    clock.now += 2
    assert await office.deliver_once()
    assert (len(sender.sent), (await office.slip(job.id)).repeats) == (1, 0)


async def test_who_cannot_be_reached_is_not_charged(office, sender, sessions) -> None:
    (job,) = await office.order()
    await office.work()
    sender.mishaps = [Unreachable("bot was blocked by the user")]
    await office.deliver()
    assert await office.deliver() == 0
    ended = await office.job(job.id)
    assert (ended.state, ended.error["slug"]) == (State.FAILED, "undeliverable")
    balance = await office.balance()
    assert (balance.quota_left, balance.held) == (3, 0)
    async with sessions() as session:
        assert (await session.execute(select(Event.kind))).scalars().all() == [EventKind.UNREACHABLE]


async def test_a_failure_nobody_can_be_told_keeps_its_reason(office, sender) -> None:
    (job,) = await office.order()
    await office.work(REFUSED)
    sender.mishaps = [Unreachable("user is deactivated")]
    assert await office.deliver() == 1
    assert (await office.job(job.id)).error["slug"] == "refused"
    assert (await office.balance()).held == 0


async def test_a_picture_telegram_will_not_take_becomes_an_apology(office, sender) -> None:
    (job,) = await office.order()
    await office.work()
    sender.mishaps = [Rejected("IMAGE_PROCESS_FAILED")]
    assert await office.deliver() == 2
    assert sender.texts == ["failed: internal"]
    assert (await office.balance()).quota_left == 3
    assert (await office.job(job.id)).state == State.FAILED


async def test_a_group_that_forbids_pictures_is_told_so_and_nothing_is_charged(office, sender) -> None:
    (job,) = await office.order()
    await office.work()
    sender.mishaps = [NoPictures("not enough rights to send photos to the chat")]
    assert await office.deliver() == 2
    assert sender.texts == ["failed: no-pictures"]
    assert (await office.balance()).quota_left == 3
    assert (await office.job(job.id)).state == State.FAILED


async def test_an_apology_telegram_will_not_take_is_the_end(office, sender) -> None:
    await office.order()
    await office.work(REFUSED)
    sender.mishaps = [Rejected("can't parse entities")]
    assert await office.deliver() == 1
    assert await office.deliver() == 0


async def test_a_result_that_is_gone_becomes_an_apology(office, sender, objects) -> None:
    (job,) = await office.order()
    await office.work()
    objects.delete([(await office.job(job.id)).result["key"]])
    await office.deliver()
    assert sender.texts == ["failed: expired"]
    assert (await office.balance()).quota_left == 3


async def test_a_store_that_is_away_costs_an_answer_time_only(office, sender, objects, clock, monkeypatch) -> None:
    (job,) = await office.order()
    await office.work()

    def away(_key: str) -> bytes:
        monkeypatch.undo()
        raise Unavailable("Photos cannot be stored or fetched right now.", retry_after=2)

    monkeypatch.setattr(objects, "get", away)
    assert await office.deliver() == 1
    assert sender.sent == []
    clock.now += 61
    assert await office.deliver() == 1
    assert (await office.job(job.id)).state == State.DELIVERED


async def test_what_keeps_failing_is_given_up_after_a_day_and_costs_nothing(office, sender, clock) -> None:
    (job,) = await office.order()
    # However long it waited for its turn.
    clock.now += GIVE_UP_S
    await office.work()
    sender.mishaps = [Uncertain("cut")] * 2000
    start = clock.now
    while await office.deliver_once():
        clock.now += 301
    assert GIVE_UP_S < clock.now - start < GIVE_UP_S + 1000
    assert (await office.job(job.id)).error["slug"] == "undeliverable"
    async with office.sessions() as session:
        # The quota of the day before yesterday is nobody's any more, but nothing is held either.
        assert (await office.credits.balance(session, ANNA)).held == 0


async def test_a_presenter_that_fails_does_not_end_the_courier(office, sender, presenter, clock, monkeypatch) -> None:
    await office.order()
    await office.work()

    async def broken(parcels):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(presenter, "results", broken)
        assert await office.deliver() == 1
    clock.now += 301
    assert await office.deliver() == 1
    assert len(sender.sent) == 1


async def test_an_account_deleted_on_the_way_gets_nothing_and_owes_nothing(office, sender, sessions) -> None:
    (job,) = await office.order()
    await office.work()
    async with sessions.begin() as session:
        await session.delete(await session.get(Delivery, job.id))
    assert await office.deliver() == 1
    assert await office.deliver() == 0
    assert sender.sent == []
    assert (await office.balance()).held == 0


# -- the status message ------------------------------------------------------------------------------------------------


async def status(office, *jobs, message_id=55) -> None:
    async with office.sessions.begin() as session:
        for job in jobs:
            (await session.get(Delivery, job.id)).status_id = message_id


async def test_the_status_message_goes_when_the_answer_came(office, sender) -> None:
    (job,) = await office.order()
    await status(office, job)
    await office.work()
    await office.deliver()
    assert sender.removed == [(ANNA, 55)]


async def test_the_closing_words_stand_below_the_answer_and_not_where_the_status_message_was(
    office, sender, presenter
) -> None:
    presenter.closing = Outgoing("what next?")
    (job,) = await office.order()
    await status(office, job)
    await office.work()
    await office.deliver()
    assert (sender.texts, sender.edits, sender.removed) == (["done", "what next?"], [], [(ANNA, 55)])


async def test_closing_words_without_a_status_message_are_sent(office, sender, presenter) -> None:
    presenter.closing = Outgoing("what next?")
    await office.order()
    await office.work()
    await office.deliver()
    assert sender.texts == ["done", "what next?"]


async def test_the_status_stays_while_something_is_still_to_come(office, sender, clock) -> None:
    jobs = await office.order(pieces=2)
    await status(office, *jobs)
    await office.work(b"first")
    await office.work(REFUSED)
    sender.mishaps = [None, Flooded(5)]
    await office.deliver_once()
    assert sender.removed == []
    clock.now += 6
    await office.deliver_once()
    assert (sender.texts, sender.removed) == (["done", "failed: refused"], [(ANNA, 55)])


async def test_the_closing_words_wait_for_nothing_that_is_still_to_come_and_stay(
    office, sender, presenter, clock
) -> None:
    presenter.closing = Outgoing("what next?")
    jobs = await office.order(pieces=2)
    await status(office, *jobs)
    await office.work(b"first")
    await office.work(REFUSED)
    sender.mishaps = [None, Flooded(5)]
    await office.deliver_once()
    assert (sender.texts, sender.removed) == (["done", "what next?"], [(ANNA, 55)])
    clock.now += 6
    await office.deliver_once()
    assert (sender.texts, sender.removed) == (["done", "what next?", "failed: refused"], [(ANNA, 55)])


async def test_the_closing_words_wait_for_the_results(office, sender, presenter, clock) -> None:
    presenter.closing = Outgoing("what next?")
    jobs = await office.order(pieces=2)
    await status(office, *jobs)
    await office.work(b"first")
    await office.work(REFUSED)
    sender.mishaps = [Flooded(5), None]
    await office.deliver_once()
    assert (sender.texts, sender.removed) == (["failed: refused"], [])
    clock.now += 6
    await office.deliver_once()
    assert (sender.texts, sender.removed) == (["failed: refused", "done", "what next?"], [(ANNA, 55)])
