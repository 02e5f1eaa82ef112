"""Privacy, deleting everything, and leaving in the middle of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from bot.accounts.tables import Activity, Event, Payment, User
from bot.intake.tables import Bundle, Upload
from bot.playground.host import Playground
from bot.routers import photos
from bot.running import RunningBot
from tests.integration.bot.flows.stand_ins import FINE, StandIns
from tests.integration.bot.flows.steps import (
    buy_credits,
    delete_everything,
    handled,
    is_result,
    is_status,
    known,
    offers,
    send,
    subscribe,
)


async def test_privacy_and_terms_are_told(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.say("/privacy")
    kept = (await ann.chat.find("What I keep")).text
    for said in ("1 h", "captions", "on which days you came", "what you ordered", "what you paid", "After /delete"):
        assert said in kept
    await ann.say("/terms")
    await ann.chat.find("House rules")


async def test_deleting_removes_everything_and_says_what(either: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await send(ann, FINE, then="The Wave")
    await ann.chat.find(is_result)
    question = await delete_everything(ann)
    assert "photos (1), orders (1)" in question.text
    assert question.labels == []
    async with either.services.sessions() as session:
        assert (await session.execute(select(func.count()).select_from(Upload))).scalar_one() == 0
        assert (await session.execute(select(func.count()).select_from(User))).scalar_one() == 0


async def test_a_photo_on_its_way_while_everything_is_deleted_is_not_kept(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, asked, come = photos.fetch, asyncio.Event(), asyncio.Event()

    async def slowly(*given: Any) -> bytes:
        asked.set()
        await come.wait()
        return await fetch(*given)

    monkeypatch.setattr(photos, "fetch", slowly)
    ann = playground.person("Ann")
    await ann.say("/delete")
    question = await ann.chat.find("cannot be undone")
    await ann.send_photo(FINE)
    await asked.wait()
    await ann.tap(question, "Yes, delete everything")
    await ann.chat.edited(question, "Everything is gone")
    come.set()
    await ann.chat.find("so I did not keep it")
    async with running.services.sessions() as session:
        for table in (User, Bundle, Upload):
            assert (await session.execute(select(func.count()).select_from(table))).scalar_one() == 0
        assert max((await session.execute(select(Event.user_id))).scalars()) < 0


async def test_whoever_deletes_everything_twice_is_told_once_and_not_taken_in_again(
    either: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await ann.say("/delete")
    question = await ann.chat.find("cannot be undone")
    first, second = [await ann.tap(question, "Yes, delete everything") for _ in range(2)]
    await ann.chat.edited(question, "Everything is gone")
    await ann.answer(first)
    await ann.answer(second)
    late = await ann.tap_data(question, f"del:{ann.user.id}")
    assert (await ann.answer(late)).text == "Everything is gone already."
    await handled(either, 4)
    assert len(ann.chat.replies) == 1
    assert question.edits == 1
    assert await known(either) == []


async def test_in_a_group_nobody_deletes_what_is_theirs_by_another_persons_button(
    running: RunningBot, playground: Playground
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann, bob)
    await bob.start()
    await bob.chat.find("Hello")
    await ann.say("/delete", to=group)
    question = await group.chat.find("cannot be undone")
    await bob.answer(await bob.tap(question, "Yes, delete everything"))
    await ann.tap(question, "Yes, delete everything")
    await group.chat.edited(question, "Everything is gone")
    assert await known(running) == [bob.user.id]


async def test_whoever_leaves_in_the_middle_of_a_job_is_told_no_more_of_it(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.hold.clear()
    ann = playground.person("Ann")
    await send(ann, FINE, then="The Wave")
    status = await ann.chat.find(is_status)
    await delete_everything(ann)
    await ann.chat.gone(status)
    stand_ins.hold.set()
    bob = playground.person("Bob")
    await send(bob, FINE, then="The Wave")
    await bob.chat.find(is_result)
    assert not [reply for reply in ann.chat.replies if is_result(reply)]


async def test_somebody_who_blocks_the_bot_meanwhile_is_not_charged(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.hold.clear()
    ann, bob = playground.person("Ann"), playground.person("Bob")
    await send(ann, FINE, then="The Wave")
    await ann.chat.find(is_status)
    ann.block()
    stand_ins.hold.set()
    await send(bob, FINE, then="The Wave")
    await bob.chat.find(is_result)
    ann.unblock()
    await ann.say("/plans")
    assert "5 of 5" in (await ann.chat.find("Credits:")).text


async def test_whoever_deleted_everything_is_told_of_a_refund_and_not_taken_in_again(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    charge = (await buy_credits(ann)).id
    await delete_everything(ann)
    await running.bot.refund_star_payment(ann.user.id, charge)
    await ann.chat.find("50 ⭐ went back to you")
    assert await known(running) == []
    async with running.services.sessions() as session:
        assert (await session.get_one(Payment, charge)).status == "refunded"


async def test_whoever_deleted_everything_is_told_of_the_subscriptions_end_and_not_taken_in_again(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    subscription = await subscribe(ann, await offers(ann))
    await delete_everything(ann)
    ann.cancel(subscription)
    await ann.chat.find("will not be renewed")
    assert await known(running) == []
    async with running.services.sessions() as session:
        assert max((await session.execute(select(Event.user_id))).scalars()) < 0


async def test_a_renewal_is_no_day_on_which_its_payer_came(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    subscription = await subscribe(ann, await offers(ann))
    async with running.services.sessions.begin() as session:
        await session.execute(delete(Activity))
    ann.renew(subscription)
    await ann.chat.find("paid until")
    async with running.services.sessions() as session:
        assert (await session.execute(select(func.count()).select_from(Activity))).scalar_one() == 0
