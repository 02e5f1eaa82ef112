"""What people write with a photo, after it and in answer to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot.accounts.tables import User
from bot.delivery.messages import Address, Flooded, Outgoing, Sent
from bot.delivery.telegram import BotSender
from bot.intake.photos import JUST_NOW_S
from bot.intake.tables import Bundle
from bot.playground.host import Playground
from bot.routers import photos
from bot.running import RunningBot
from tests.integration.bot.flows.stand_ins import FINE, STYLES, StandIns, colour, picture
from tests.integration.bot.flows.steps import NIGHT, WAVE, handled, is_result, painted, quota_left, settled


async def test_a_caption_that_names_a_style_needs_no_tap(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(FINE, caption="in the style of the wave please")
    result = await ann.chat.find(is_result)
    assert colour(result.file()) == WAVE


async def test_a_text_that_answers_a_photo_asks_for_something_to_be_made_of_it(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    photo = await ann.send_photo(FINE)
    await ann.chat.find("Choose a style")
    await ann.say("the wave", reply_to=photo)
    result = await ann.chat.find(is_result)
    assert colour(result.file()) == WAVE
    await ann.say("how lovely", reply_to=result)
    await ann.chat.find("I work with photos")


async def test_a_text_right_after_a_photo_speaks_of_that_photo(either: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.say("the wave")
    await ann.chat.find("I work with photos")
    await ann.send_photo(picture(20, 20, 20))
    await ann.chat.find("Choose a style")
    photo = await ann.send_photo(FINE)
    question = await ann.chat.find("Choose a style")
    await ann.say("the wave")
    result = await ann.chat.find(is_result)
    assert colour(result.file()) == WAVE
    assert result.message.reply_to is not None
    assert result.message.reply_to.id == photo.id
    await ann.say("night", reply_to=question)
    assert colour((await ann.chat.find(is_result)).file()) == NIGHT
    await ann.say("thank you!")
    await ann.chat.find("I work with photos")
    assert await quota_left(either, ann) == 3


@pytest.mark.parametrize("broken", [False, True], ids=["slow", "broken off"])
async def test_a_text_right_after_a_photo_that_is_on_its_way_still_speaks_of_no_earlier_one(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    whole, failures = photos.fetch, [OSError("the download broke off")] if broken else []

    async def slow(*given: Any) -> bytes:
        await asyncio.sleep(0.3)
        if failures:
            raise failures.pop()
        return await whole(*given)

    ann = playground.person("Ann")
    await ann.send_photo(FINE)
    await ann.chat.find("Choose a style")
    monkeypatch.setattr(photos, "fetch", slow)
    photo = await ann.send_photo(FINE)
    await ann.say("the wave")
    result = await ann.chat.find(is_result)
    assert result.message.reply_to is not None
    assert result.message.reply_to.id == photo.id
    await settled(running, ann, 4)


async def test_what_merely_tells_of_a_photo_orders_nothing(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(FINE)
    await ann.chat.find("Choose a style")
    for words in ("Thanks, what a wave!", "I could scream", "good night"):
        await ann.say(words)
        await ann.chat.find("I work with photos")
    assert await quota_left(running, ann) == 5


async def test_a_photo_is_taken_whatever_command_its_caption_begins_with(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    group = playground.group("Family", ann)
    for caption in ("/start", "/help", "/plans", "/delete"):
        await ann.send_photo(FINE, caption)
        await ann.chat.find("Choose a style")
    await ann.send_album([FINE, FINE], "/start", to=group)
    await group.chat.find("Choose a style")
    assert not [reply for reply in group.chat.replies + ann.chat.replies if "Hello" in reply.text]


async def test_previews_come_once_however_often_the_question_below_them_is_tried(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, pauses = BotSender.send, [0.2, 0.2]

    async def send(sender: BotSender, to: Address, message: Outgoing) -> Sent:
        if "Choose a style" in message.text and pauses:
            raise Flooded(pauses.pop())
        return await whole(sender, to, message)

    monkeypatch.setattr(BotSender, "send", send)
    ann = playground.person("Ann")
    await ann.send_photo(FINE)
    await ann.chat.find("Choose a style")
    assert [reply.kind for reply in ann.chat.replies] == ["photo"] * len(STYLES) + ["text"]


async def test_photos_sent_one_after_the_other_are_asked_about_below_one_album_of_styles(
    running: RunningBot, playground: Playground
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    for _ in range(3):
        await ann.send_photo(FINE)
        question = await ann.chat.find("Choose a style")
    assert [reply.kind for reply in ann.chat.replies] == ["photo"] * len(STYLES) + ["text"] * 3
    await bob.send_photo(FINE)
    assert len(await bob.chat.album()) == len(STYLES)
    await ann.tap(question, "The Wave")
    await ann.tap(await ann.chat.find(is_result), "Another style")
    assert len(await ann.chat.album()) == len(STYLES)


async def test_a_text_speaks_of_no_photo_that_was_asked_about_long_ago(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(FINE)
    await ann.chat.find("Choose a style")
    await handled(running, 1)
    async with running.services.sessions.begin() as session:
        await session.execute(update(Bundle).values(prompted=Bundle.prompted - JUST_NOW_S - 1))
    await ann.say("the wave")
    await ann.chat.find("I work with photos")


async def test_a_text_while_an_album_comes_in_is_its_caption(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.send_album([FINE, FINE])
    await handled(running, 2)
    await ann.say("the wave")
    assert [reply.text for reply in await ann.chat.album()] == ["The Wave", ""]
    assert not [reply for reply in ann.chat.replies if "Choose a style" in reply.text]


async def test_what_answers_a_preview_speaks_of_the_photo_and_nobody_pays_for_a_painted_preview(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    photo = await ann.send_photo(FINE)
    preview = (await ann.chat.album())[1]
    await ann.chat.find("Choose a style")
    await ann.say("night", reply_to=preview)
    result = await ann.chat.find(is_result)
    assert colour(result.file()) == NIGHT
    assert result.message.reply_to is not None
    assert result.message.reply_to.id == photo.id
    async with running.services.sessions() as session:
        assert (await session.execute(select(func.count()).select_from(Bundle))).scalar_one() == 1


async def test_a_text_that_answers_a_result_is_about_the_result(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.send_album([FINE, FINE], "the wave")
    alone, (_, second) = await painted(ann), await ann.chat.album()
    for result in (second, alone):
        await ann.say("blur the faces", reply_to=result)
        hidden = await ann.chat.find("Nobody to be seen")
        assert hidden.message.reply_to is not None
    async with running.services.sessions() as session:
        assert (await session.execute(select(func.count()).select_from(Bundle))).scalar_one() == 4


async def test_in_a_group_a_mention_that_answers_the_question_speaks_of_its_photo(
    running: RunningBot, playground: Playground
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group, name = playground.group("Family", ann, bob), f"@{playground.bot.username}"
    await ann.send_photo(FINE, name, to=group)
    question = await group.chat.find("Choose a style")
    await ann.say("the wave", to=group, reply_to=question)
    await bob.say(f"{name} the wave", to=group, reply_to=question)
    await group.chat.find("I work with photos")
    await ann.say(f"{name} the wave", to=group, reply_to=question)
    assert (await group.chat.find(is_result)).text == "The Wave"


async def test_the_caption_of_somebody_elses_photo_orders_nothing(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(FINE, "The wave of the century. Is it real?", forwarded_from="News")
    await ann.chat.find("Choose a style")
    await ann.send_photo(FINE, "the wave", forwarded_from="News")
    await ann.chat.find("Choose a style")
    mine = await ann.send_photo(FINE, "the wave")
    await ann.chat.find(is_result)
    await ann.forward(mine)
    await ann.chat.find(is_result)
    assert await quota_left(running, ann) == 3


async def test_captions_are_data(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann <script>")
    await ann.send_photo(FINE, caption="'; DROP TABLE users; -- <b>&amp; *_`")
    await ann.chat.find("Choose a style")
    async with running.services.sessions() as session:
        assert (await session.execute(select(func.count()).select_from(User))).scalar_one() == 1
