"""What can be done with a result by the buttons below it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import update

from bot.delivery.messages import Address, Outgoing, Rejected, Sent
from bot.delivery.tables import Delivery
from bot.playground.client import Person
from bot.playground.conversation import Reply
from bot.playground.host import Playground
from bot.running import RunningBot
from tests.eventually import until
from tests.integration.bot.flows.stand_ins import FACELESS, FINE, REFUSED, StandIns, colour, picture
from tests.integration.bot.flows.steps import (
    NIGHT,
    WAVE,
    handled,
    is_result,
    painted,
    prefer_files,
    quota_left,
    tap_later,
)


async def test_again_sends_the_same_picture_for_nothing(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    await ann.tap(result, "Again")
    repeated = await ann.chat.find(is_result)
    assert repeated.file_id == result.file_id
    assert len(stand_ins.painted) == 1
    assert await quota_left(running, ann) == 4


async def forget_file_id(running: RunningBot) -> bool:
    """Take back what the record of the delivery says about the picture; False while there is no record."""
    statement = update(Delivery).where(Delivery.file_id.is_not(None)).values(file_id=None).returning(Delivery.job_id)
    async with running.services.sessions.begin() as session:
        return (await session.execute(statement)).first() is not None


async def test_again_does_not_wait_for_the_record_of_the_delivery(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    # Each look is a transaction of its own: within one, SQLite would show the same rows for ever.
    await until(lambda: forget_file_id(running))
    await ann.tap(result, "Again")
    assert (await ann.chat.find(is_result)).file_id == result.file_id


async def test_again_sends_the_picture_anew_where_telegram_has_it_no_more(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    send = running.services.sender.send

    async def lost(to: Address, message: Outgoing) -> Sent:
        if any(picture.file_id for picture in message.pictures):
            raise Rejected("Bad Request: wrong file identifier/HTTP URL specified")
        return await send(to, message)

    monkeypatch.setattr(running.services.sender, "send", lost)
    await ann.tap(result, "Again")
    repeated = await ann.chat.find(is_result)
    assert colour(repeated.file()) == WAVE
    assert repeated.labels == result.labels


async def test_another_style_asks_again_about_the_same_photo(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    await ann.tap(result, "Another style")
    question = await ann.chat.find("Choose a style")
    await ann.tap(question, "Night")
    assert colour((await ann.chat.find(is_result)).file()) == NIGHT


async def blurred(person: Person, *photos: bytes) -> Reply:
    """Have the faces of a photo, or an album, blurred; the message with what can be done next."""
    if len(photos) == 1:
        await person.send_photo(photos[0], "blur the faces")
        return await person.chat.find(is_result)
    await person.send_album(photos, "blur the faces")
    assert len(await person.chat.album()) == len(photos)
    return await person.chat.find("All done")


async def doubted(person: Person) -> Reply:
    await person.send_photo(FINE, "is it real?")
    return await person.chat.find("An estimate")


async def not_resembling(person: Person) -> Reply:
    await person.send_photo(FACELESS, "who do I look like?")
    return await person.chat.find("cannot find a face")


async def compared(person: Person) -> Reply:
    await person.send_album([FINE, FINE], "who do I look like?")
    assert len(await person.chat.album()) == 2
    return await person.chat.find("All done")


@pytest.mark.parametrize(
    "answer",
    [lambda ann: blurred(ann, FINE), lambda ann: blurred(ann, FINE, FINE), doubted, not_resembling, compared],
    ids=["a picture", "an album", "an opinion", "a failure", "collages"],
)
async def test_whatever_came_of_a_photo_one_can_go_on_with_it(
    running: RunningBot, playground: Playground, answer: Callable[[Person], Awaitable[Reply]]
) -> None:
    ann = playground.person("Ann")
    await ann.tap(await answer(ann), "Something else")
    await ann.tap(await ann.chat.find("Choose a style"), "The Wave")
    await ann.chat.find("The Wave")


async def test_of_a_photo_that_is_refused_nothing_else_is_offered_either(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(REFUSED, "blur the faces")
    assert (await ann.chat.find("cannot do this")).labels == []


async def test_a_text_that_answers_a_picture_without_faces_speaks_of_that_picture(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await ann.say("the wave", reply_to=await blurred(ann, FINE))
    await ann.chat.find("The Wave")
    assert colour(stand_ins.painted[0].photo.data) == (90, 90, 90)


async def test_a_chosen_strength_is_used_and_remembered(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    await ann.tap(result, "Strength")
    await ann.chat.until(lambda: "50 %" in result.labels or None, "strengths")
    await ann.tap(result, "50 %")
    weaker = await ann.chat.find(is_result)
    assert weaker.text == "The Wave · 50\u202f%"
    await painted(ann, "Night")
    assert [query.strength for query in stand_ins.painted] == [1.0, 0.5, 0.5]


async def test_the_strength_a_picture_has_is_marked(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    await ann.tap(result, "Strength")
    await ann.chat.edited(result)
    assert result.labels == ["25 %", "50 %", "75 %", "• 100 %", "⬅️ Back"]


async def test_a_picture_is_not_painted_again_as_strongly_as_it_is(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    before = result.labels
    await ann.tap(result, "Strength")
    await ann.chat.until(lambda: "• 100 %" in result.labels or None, "strengths")
    await ann.tap(result, "• 100 %")
    await ann.chat.until(lambda: result.labels == before or None, "the first buttons")
    assert len(stand_ins.painted) == 1
    assert await quota_left(running, ann) == 4


async def test_back_brings_the_first_buttons_back(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    before = result.labels
    await ann.tap(result, "Strength")
    await ann.chat.until(lambda: "50 %" in result.labels or None, "strengths")
    await ann.tap(result, "Back")
    await ann.chat.until(lambda: result.labels == before or None, "the first buttons")


async def test_the_buttons_of_a_result_that_is_too_old_to_be_shown_to_bots_work(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    before = result.labels
    for button, shown in (("Strength", "50 %"), ("Blend", "+ Scream")):
        await tap_later(ann, result, button)
        await ann.chat.until(lambda shown=shown: shown in result.labels or None, button)
        await tap_later(ann, result, "Back")
        await ann.chat.until(lambda: result.labels == before or None, "the first buttons")


async def test_a_result_that_is_deleted_while_its_button_is_tapped_is_nobodys_fault(
    running: RunningBot, playground: Playground, caplog: pytest.LogCaptureFixture
) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    said = len(ann.chat.replies)
    await ann.tap(result, "Strength")
    playground.telegram.delete(result.message)
    await handled(running, 3)
    assert len(ann.chat.replies) == said
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_two_styles_can_be_blended(running: RunningBot, playground: Playground, stand_ins: StandIns) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    await ann.tap(result, "Blend")
    await ann.chat.until(lambda: "+ Scream" in result.labels or None, "styles to blend in")
    assert "+ The Wave" not in result.labels
    await ann.tap(result, "+ Scream")
    blended = await ann.chat.find(is_result)
    assert blended.text == "The Wave + Scream"
    assert stand_ins.painted[-1].weights == (("wave", 0.5), ("scream", 0.5))
    await ann.tap(blended, "Blend")
    await ann.chat.until(lambda: blended.labels == ["+ Night <i>& Day</i>", "⬅️ Back"] or None, "what is not in it yet")


async def test_the_result_can_be_had_as_a_file(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    result = await painted(ann)
    await ann.tap(result, "As a file")
    file = await ann.chat.find(lambda reply: reply.kind == "document")
    assert colour(file.file()) == WAVE


async def test_results_come_as_files_to_whoever_prefers_that(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await prefer_files(ann)
    assert (await painted(ann)).kind == "document"


async def test_a_picture_too_long_for_a_photo_is_a_file_ever_after(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.send_document(picture(120, 120, 60, (2400, 100)), "panorama.jpg", "image/jpeg")
    await ann.tap(await ann.chat.find("Choose a style"), "The Wave")
    result = await ann.chat.find(is_result)
    assert result.kind == "document"
    await ann.tap(result, "Again")
    assert (await ann.chat.find("Here it is again")).kind == "document"
    shared = await ann.inline("")
    assert shared.answer is not None
    assert [offer["type"] for offer in shared.answer["results"]] == ["document"]
