"""Lookalikes, hidden faces, swaps and saved faces."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.methods import SendMessage
from aiogram.types import ForceReply, LinkPreviewOptions

from bot.accounts.tariff import Tariff
from bot.playground.host import Playground
from bot.running import RunningBot
from deployments.anonymize.types import Method
from deployments.errors import Unavailable
from tests.integration.bot.flows.stand_ins import ALONE, FACELESS, FINE, TINY, StandIns, colour
from tests.integration.bot.flows.steps import (
    asked_for_a_name,
    handled,
    is_result,
    prefer_files,
    quota_left,
    save_face,
    send,
)


@pytest.fixture
def tariff() -> Tariff:
    """Nothing is for sale, so that everybody may put faces into their own photos."""
    return Tariff(free_daily=5, subscription=None, packs=())


async def test_a_lookalike_comes_as_a_collage_with_the_three_most_alike(
    either: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await send(ann, FINE, then="Who do I look like")
    result = await ann.chat.find(is_result)
    assert colour(result.file()) == (200, 200, 50)
    assert result.text.count("Ada <b>Lovelace</b>") == 3
    assert "mathematician · 98\u202f%" in result.text
    assert result.labels == ["✨ Something else", "↗️ Share"]


@pytest.mark.parametrize("by", ["a caption", "a button"])
async def test_a_collages_small_print_is_in_the_language_of_whoever_asked(
    running: RunningBot, playground: Playground, stand_ins: StandIns, by: str
) -> None:
    anna = playground.person("Анна", language="ru")
    if by == "a caption":
        await anna.send_photo(FINE, "на кого я похожа?")
    else:
        await anna.send_photo(FINE)
        await anna.tap(await anna.chat.find("Выберите стиль"), "Кто мой двойник")
    await anna.chat.find(is_result)
    (note,) = stand_ins.small_print
    assert note.startswith("У каждого в этой галерее")


async def test_a_photo_without_a_face_resembles_nobody_and_costs_nothing(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await send(ann, FACELESS, then="Who do I look like")
    assert "It cost you nothing" in (await ann.chat.find("cannot find a face")).text


async def test_an_albums_lookalikes_are_named_picture_by_picture(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.send_album([FINE, ALONE], "who do I look like?")
    first, second = await ann.chat.album()
    assert first.text.splitlines() == [
        "You look like…",
        *[f"{number}. Ada <b>Lovelace</b>, mathematician · 98\u202f%" for number in (1, 2)],
        "A game, not an identification.",
    ]
    assert second.text == ""


async def test_faces_are_hidden_the_way_that_was_chosen(
    either: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await send(ann, FINE, then="Hide faces")
    question = await ann.chat.find("How shall I hide")
    assert question.labels == ["Blur", "Pixelate", "Mask"]
    await ann.tap(question, "Pixelate")
    assert colour((await ann.chat.find(is_result)).file()) == (90, 90, 90)
    assert stand_ins.hidden[0].method is Method.PIXELATE


async def test_faces_of_two_photos_are_numbered_and_mapped_by_taps(
    either: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await send(ann, FINE, FINE, then="Swap faces")
    numbered = await ann.chat.album()
    assert len(numbered) == 2
    first = await ann.chat.find("Face 1 of 2")
    assert first.labels == ["1", "2", "Leave it as it is"]
    await ann.tap(first, "2")
    await ann.tap(await ann.chat.edited(first, "Face 2 of 2"), "1")
    await ann.chat.gone(first)
    assert colour((await ann.chat.find(is_result)).file()) == (70, 70, 70)
    assert stand_ins.swapped[0].mapping == ((1, 0), (0, 1))
    assert await quota_left(either, ann) == 3


async def test_a_face_can_be_left_as_it_is_and_is_not_paid_for(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await send(ann, FINE, then="Swap faces")
    await ann.tap(await ann.chat.find("Whose face"), "Swap them with each other")
    question = await ann.chat.find("Face 1 of 2")
    await ann.tap(question, "Leave")
    await ann.tap(await ann.chat.edited(question, "Face 2 of 2"), "1")
    await ann.chat.find(is_result)
    assert stand_ins.swapped[0].mapping == ((0, 1),)
    assert await quota_left(running, ann) == 4


async def test_leaving_every_face_orders_nothing(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await send(ann, FINE, then="Swap faces")
    await ann.tap(await ann.chat.find("Whose face"), "Swap them with each other")
    question = await ann.chat.find("Face 1 of 2")
    await ann.tap(question, "Leave")
    await ann.tap(await ann.chat.edited(question, "Face 2 of 2"), "Leave")
    await ann.chat.edited(question, "stays as it is")
    assert question.labels == []


async def test_in_a_group_nobody_answers_another_persons_question_about_faces(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann, bob)
    await ann.send_album([FINE, FINE], f"@{playground.bot.username} swap", to=group)
    question = await group.chat.find("Face 1 of 2")
    await bob.answer(await bob.tap(question, "2"))
    await handled(running, 3)
    assert question.edits == 0
    await ann.tap(question, "1")
    await ann.tap(await group.chat.edited(question, "Face 2 of 2"), "2")
    await group.chat.find(is_result)
    assert stand_ins.swapped[0].mapping == ((0, 0), (1, 1))


async def test_with_one_face_here_and_one_there_nobody_is_asked_who_goes_where(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await ann.send_album([ALONE, TINY], "swap")
    assert colour((await ann.chat.find(is_result)).file()) == (70, 70, 70)
    await save_face(ann, "Bob")
    await send(ann, TINY, then="Swap faces")
    await ann.tap(await ann.chat.find("Whose face"), "Bob")
    assert colour((await ann.chat.find(is_result)).file()) == (70, 70, 70)
    assert [query.mapping for query in stand_ins.swapped] == [((0, 0),)] * 2
    assert [colour(query.target.data) for query in stand_ins.swapped] == [colour(TINY)] * 2
    assert not [reply for reply in ann.chat.replies if "Face 1" in reply.text or "First photo" in reply.text]


async def test_an_unsuitable_face_is_told_and_costs_nothing(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.unsuitable = True
    ann = playground.person("Ann")
    await send(ann, ALONE, ALONE, then="Swap faces")
    assert "It cost you nothing" in (await ann.chat.find("cannot be used")).text


async def test_a_saved_face_is_named_used_and_forgotten(
    either: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    question = await asked_for_a_name(ann)
    await ann.say("Grandma <3", reply_to=question)
    assert "Grandma <3" in (await ann.chat.find("Saved as")).text

    await send(ann, FINE, then="Swap faces")
    await ann.tap(await ann.chat.find("Whose face"), "Grandma <3")
    question = await ann.chat.find("Face 1 of 2")
    await ann.tap(question, "Grandma <3")
    await ann.tap(await ann.chat.edited(question, "Face 2 of 2"), "Leave")
    await ann.chat.find(is_result)
    assert stand_ins.swapped[0].mapping == ((0, 0),)

    await ann.say("/faces")
    faces = await ann.chat.find("1 of 20")
    await ann.tap(faces, "Grandma <3")
    await ann.chat.edited(faces, "forgotten")
    assert faces.labels == []


async def test_in_a_group_only_who_saves_a_face_is_made_to_name_it(running: RunningBot, playground: Playground) -> None:
    asked: list[SendMessage] = []

    async def watch(make_request: Any, bot: Any, method: Any) -> Any:
        if isinstance(method, SendMessage) and isinstance(method.reply_markup, ForceReply):
            asked.append(method)
        return await make_request(bot, method)

    running.bot.session.middleware(watch)
    ann = playground.person("Ann")
    group = playground.group("Family", ann)
    photo = await ann.send_photo(ALONE, f"@{playground.bot.username}", to=group)
    await ann.tap(await group.chat.find("Choose a style"), "Swap faces")
    await ann.tap(await group.chat.find("Whose face"), "Save this face")
    question = await group.chat.find("What is this face called")
    assert question.message.reply_to is not None
    assert question.message.reply_to.id == photo.id
    (sent,) = asked
    assert isinstance(sent.reply_markup, ForceReply)
    assert sent.reply_markup.selective
    assert isinstance(sent.link_preview_options, LinkPreviewOptions)
    assert sent.link_preview_options.is_disabled  # of the link that nobody is to see
    await ann.say("Ann", to=group, reply_to=question)
    await group.chat.find("Saved as")


async def test_people_far_in_the_background_are_not_asked_about(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.background = 9
    ann = playground.person("Ann")
    await send(ann, FINE, FINE, then="Swap faces")
    first = await ann.chat.find("Face 1 of 2")
    assert first.labels == ["1", "2", "Leave it as it is"]
    await ann.tap(first, "2")
    await ann.tap(await ann.chat.edited(first, "Face 2 of 2"), "Leave")
    await ann.chat.find(is_result)
    # They count where faces are counted all the same.
    assert stand_ins.swapped[0].mapping == ((10, 9),)


async def test_a_face_can_be_saved_from_a_photo_with_people_in_the_background(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.background = 2
    ann = playground.person("Ann")
    await save_face(ann, "Bob")
    await send(ann, FINE, then="Swap faces")
    await ann.tap(await ann.chat.find("Whose face"), "Bob")
    question = await ann.chat.find("Face 1 of 2")
    await ann.tap(question, "Bob")
    await ann.tap(await ann.chat.edited(question, "Face 2 of 2"), "Leave")
    await ann.chat.find(is_result)
    assert stand_ins.swapped[0].mapping == ((2, 2),)


async def test_more_faces_than_can_be_asked_about_are_told(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    stand_ins.crowd = 9
    ann = playground.person("Ann")
    await send(ann, FINE, then="Swap faces")
    assert "9 faces in this picture, and I can only ask about 8" in (await ann.chat.find("There are")).text


async def test_a_face_that_cannot_be_removed_now_is_not_said_to_be_forgotten(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = playground.person("Ann")
    await save_face(ann, "Bob")
    await ann.say("/faces")
    faces = await ann.chat.find("1 of 20")

    def away(_keys: object) -> None:
        raise Unavailable("The bucket is away.", retry_after=1)

    with monkeypatch.context() as broken:
        broken.setattr(running.services.vault, "delete", away)
        await ann.tap(faces, "Bob")
        await ann.chat.find("try again in a little while")
    await ann.tap(faces, "Bob")
    await ann.chat.edited(faces, "forgotten")


async def test_a_name_taken_twice_is_said(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    question = await asked_for_a_name(ann)
    await ann.say("Bob", reply_to=question)
    await ann.chat.find("Saved as")
    await ann.say("Bob", reply_to=question)
    await ann.chat.find("of this name already")


async def test_a_command_is_no_name(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    question = await asked_for_a_name(ann)
    await ann.say("/faces", reply_to=question)
    await ann.chat.find("You have not saved a face yet")
    await ann.say("\u2066\u2069", reply_to=question)
    await ann.chat.find("nothing to read in this name")
    await ann.say("Ann", reply_to=question)
    await ann.chat.find("Saved as")


async def test_a_lookalike_too_comes_as_a_file_to_whoever_prefers_that(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await prefer_files(ann)
    await send(ann, FINE, then="Who do I look like")
    result = await ann.chat.find(is_result)
    assert result.kind == "document"
    shared = await ann.inline(result.button("Share")["switch_inline_query"])
    assert shared.answer is not None
    assert [offer["type"] for offer in shared.answer["results"]] == ["document"]


async def test_somebody_elses_saved_face_cannot_be_used(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann, mallory = playground.person("Ann"), playground.person("Mallory")
    await save_face(ann, "Ann")
    await mallory.send_photo(ALONE)
    question = await mallory.chat.find("Choose a style")
    bundle = question.button("Swap faces")["callback_data"].split(":")[1]
    await mallory.tap_data(question, f"w2:{bundle}:1:1:1::0")
    await mallory.chat.find("no longer saved")
    assert stand_ins.swapped == []


async def test_a_face_that_could_never_be_used_is_not_saved(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.say("me", reply_to=await asked_for_a_name(ann, TINY))
    await ann.chat.find("it is too small")
    await ann.say("/faces")
    await ann.chat.find("You have not saved a face yet")
