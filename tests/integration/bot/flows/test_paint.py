"""Painting, from the photo to the result."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.delivery.tables import Delivery
from bot.intake.tables import Bundle
from bot.playground.faults import Faults
from bot.playground.host import Playground
from bot.running import RunningBot
from serve_app.jobs.tables import Job
from tests.integration.bot.flows.stand_ins import FINE, REFUSED, StandIns, colour
from tests.integration.bot.flows.steps import WAVE, handled, is_result, is_status, painted, quota_left, send


async def test_a_photo_is_answered_with_the_styles_and_a_tap_with_the_painting(
    either: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(FINE)
    album = await ann.chat.album()
    question = await ann.chat.find("Choose a style")
    assert len(album) == 3
    assert question.labels[:3] == ["The Wave", "Night <i>& Day</i>", "Scream"]
    tap = await ann.tap(question, "The Wave")
    assert (await ann.answer(tap)).text == ""
    result = await ann.chat.find(is_result)
    assert colour(result.file()) == WAVE
    assert result.text == "The Wave"
    assert "upload_photo" in ann.chat.actions
    assert len(stand_ins.painted) == 1
    assert await quota_left(either, ann) == 4


async def test_nothing_waits_for_a_look_at_the_clock(
    monkeypatch: pytest.MonkeyPatch, open_bot: Any, playground: Playground
) -> None:
    for module in ("bot.delivery.courier", "serve_app.jobs.worker"):
        monkeypatch.setattr(f"{module}.IDLE_POLL_S", 3600)
    async with open_bot():
        await painted(playground.person("Ann"))


async def test_while_the_studio_works_the_chat_shows_what_the_bot_does(
    monkeypatch: pytest.MonkeyPatch, running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    monkeypatch.setattr("bot.delivery.progress.ACTION_S", 0.01)
    stand_ins.hold.clear()
    ann = playground.person("Ann")
    await send(ann, FINE, then="The Wave")
    await ann.chat.until(lambda: ann.chat.actions.count("upload_photo") > 2 or None, "activities")
    stand_ins.hold.set()
    await ann.chat.find(is_result)


async def test_it_speaks_russian_to_russians(either: RunningBot, playground: Playground) -> None:
    anna = playground.person("Анна", language="ru")
    await anna.send_photo(FINE)
    question = await anna.chat.find("Выберите стиль")
    await anna.tap(question, "Scream")
    result = await anna.chat.find(is_result)
    assert "🎨 Другой стиль" in result.labels


async def test_updates_that_come_three_times_are_handled_once(
    either: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    playground.set_faults(Faults(seed=3, deliveries=3, redelivery_spread=1))
    ann = playground.person("Ann")
    await painted(ann)
    await ann.say("/help")
    await ann.chat.find("Send me a photo")
    assert len(stand_ins.painted) == 1
    assert await quota_left(either, ann) == 4
    assert len([reply for reply in ann.chat.replies if is_result(reply)]) == 1


async def test_markup_in_a_styles_title_is_shown_as_it_is(running: RunningBot, playground: Playground) -> None:
    result = await painted(playground.person("Ann"), "Night")
    assert result.text == "Night <i>& Day</i>"


async def test_where_there_is_no_other_style_none_is_offered_to_blend_in(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann, stand_ins.on_offer = playground.person("Ann"), 1
    await ann.send_photo(FINE, "the wave")
    alone = await ann.chat.find(is_result)
    assert "🧪 Blend" not in alone.labels
    await ann.tap(alone, "💪 Strength")
    await ann.chat.until(lambda: "⬅️ Back" in alone.labels or None, "the strengths")
    await ann.tap(alone, "⬅️ Back")
    await ann.chat.until(lambda: "💪 Strength" in alone.labels or None, "the buttons before")
    assert "🧪 Blend" not in alone.labels


async def test_of_several_photos_it_shows_which_one_is_refused(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    good, bad = await ann.send_photo(FINE), await ann.send_document(b"ftypheic", "IMG_1.HEIC", "image/heic")
    refused = await ann.chat.find("not a picture I can read")
    assert refused.message.reply_to is not None
    assert (refused.message.reply_to.id, good.id) == (bad.id, bad.id - 1)


async def test_who_sent_what_is_given_up_hears_of_it(
    open_bot: Any, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken_off(*_: Any) -> bytes:
        raise OSError("the download broke off")

    monkeypatch.setattr("bot.routers.photos.fetch", broken_off)
    monkeypatch.setattr("bot.updates.reception.RETRIES_S", (0.0,))
    monkeypatch.setattr("bot.updates.latecomers.LOOK_S", 0.01)
    async with open_bot():
        ann, anna = playground.person("Ann"), playground.person("Анна", language="ru")
        group = playground.group("Family", ann)
        await ann.send_photo(FINE, f"@{playground.bot.username}", to=group)
        await ann.send_photo(FINE)
        await anna.send_photo(FINE)
        await ann.chat.find("Something went wrong")
        await anna.chat.find("Что-то пошло не так")
        assert group.chat.replies == []


async def test_an_album_of_videos_is_turned_away_once(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    for album in ("1", "2"):
        for _ in range(3):
            await ann.send_other("video", media_group_id=album)
    await handled(running, 6)
    assert len([reply for reply in ann.chat.replies if "with videos" in reply.text]) == 2


async def test_an_album_is_one_request_and_comes_back_as_an_album(
    either: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await ann.send_album([FINE, FINE])
    question = await ann.chat.find("Choose a style")
    await ann.tap(question, "The Wave")
    results = await ann.chat.album()
    assert [colour(result.file()) for result in results] == [WAVE, WAVE]
    assert await quota_left(either, ann) == 3
    closing = await ann.chat.until(
        lambda: next((reply for reply in ann.chat.replies if "All done" in reply.text), None), "closing words"
    )
    await ann.tap(closing, "Strength")
    await ann.chat.until(lambda: "50 %" in closing.labels or None, "strengths")
    await ann.tap(closing, "50 %")
    assert len(await ann.chat.album()) == 2
    assert [query.strength for query in stand_ins.painted] == [1.0, 1.0, 0.5, 0.5]


async def test_more_photos_than_the_plan_has_are_refused_at_once(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.send_album([FINE] * 4)
    refusal = await ann.chat.find("3 photos at a time")
    assert refusal.labels == ["⭐ Credits"]


async def test_a_refused_picture_is_told_with_the_rule_and_costs_nothing(
    either: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(REFUSED)
    question = await ann.chat.find("Choose a style")
    await ann.tap(question, "The Wave")
    told = await ann.chat.find("nudity")
    assert "It cost you nothing" in told.text
    assert await quota_left(either, ann) == 5


async def test_while_the_studio_works_the_status_says_so_and_goes_when_it_is_done(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.hold.clear()
    ann = playground.person("Ann")
    await send(ann, FINE, then="The Wave")
    status = await ann.chat.find(is_status)
    await ann.chat.until(lambda: "On it" in status.text or None, "a word on the work")
    stand_ins.hold.set()
    await ann.chat.find(is_result)
    await ann.chat.gone(status)


async def test_a_studio_that_stays_down_is_told_and_costs_nothing(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.down = True
    ann = playground.person("Ann")
    await send(ann, FINE, then="The Wave")
    told = await ann.chat.find("busy or being repaired")
    assert "It cost you nothing" in told.text
    assert await quota_left(running, ann) == 5


async def test_without_credits_the_way_to_more_is_shown(open_bot: Any, playground: Playground) -> None:
    async with open_bot(tariff={"free_daily": 0}) as running:
        ann = playground.person("Ann")
        await send(ann, FINE, then="The Wave")
        told = await ann.chat.find("This counts as one picture")
        assert told.labels == ["⭐ Credits"]
        async with running.services.sessions() as session:
            assert (await session.execute(select(func.count()).select_from(Job))).scalar_one() == 0


async def test_another_persons_button_does_nothing_to_ones_photo(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann, mallory = playground.person("Ann"), playground.person("Mallory")
    await ann.send_photo(FINE)
    question = await ann.chat.find("Choose a style")
    await mallory.start()
    greeting = await mallory.chat.find("Hello")
    await mallory.tap_data(greeting, question.button("The Wave")["callback_data"])
    await mallory.chat.find("no longer here")
    assert stand_ins.painted == []


@pytest.mark.parametrize(("before", "after"), [("polling", "webhook"), ("webhook", "polling")])
async def test_a_job_in_hand_when_the_bot_stops_is_finished_by_the_next_one(
    open_bot: Any, playground: Playground, stand_ins: StandIns, before: str, after: str
) -> None:
    stand_ins.hold.clear()
    ann = playground.person("Ann")
    async with open_bot(mode=before):
        await send(ann, FINE, then="The Wave")
        await ann.chat.find(is_status)
    stand_ins.hold.set()
    async with open_bot(mode=after) as running:
        assert colour((await ann.chat.find(is_result)).file()) == WAVE
        await ann.say("/plans")
        assert "4 of 5" in (await ann.chat.find("Credits:")).text
        async with running.services.sessions() as session:
            assert (await session.execute(select(Delivery.repeats))).scalars().all() == [0]
    assert len([reply for reply in ann.chat.replies if is_result(reply)]) == 1


async def test_what_is_sent_while_the_bot_is_away_is_answered_when_it_is_back(
    open_bot: Any, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(FINE)
    async with open_bot():
        await ann.chat.find("Choose a style")


async def test_whoever_keeps_no_history_any_more_keeps_none_of_what_there_is(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await ann.say("/settings")
    settings = await ann.chat.find("Settings")
    await ann.tap(settings, "Keep my photos for longer: no")
    await ann.chat.edited(settings)
    await painted(ann)

    async def kept() -> float:
        async with running.services.sessions() as session:
            ends = [
                (await session.execute(select(func.max(table.expires)))).scalar_one() for table in (Bundle, Delivery)
            ]
        return max(ends) - time.time()

    assert await kept() > running.services.settings.keep_s
    await ann.tap(settings, "Keep my photos for longer: yes")
    await ann.chat.edited(settings)
    assert await kept() <= running.services.settings.keep_s


async def test_who_taps_twice_is_painted_and_charged_once(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.hold.clear()
    ann = playground.person("Ann")
    await ann.send_photo(FINE)
    question = await ann.chat.find("Choose a style")
    for style in ("The Wave", "The Wave", "Night"):
        await ann.answer(await ann.tap(question, style))
    await handled(running, 4)
    stand_ins.hold.set()
    assert {(await ann.chat.find(is_result)).text for _ in range(2)} == {"The Wave", "Night <i>& Day</i>"}
    assert await quota_left(running, ann) == 3
    # What has arrived can be had once more.
    await ann.tap(question, "The Wave")
    await ann.chat.find(is_result)
    assert await quota_left(running, ann) == 2
