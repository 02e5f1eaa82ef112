"""Faces into works of art, and into one's own photos on a paid plan."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import update

from bot.accounts.tables import User
from bot.playground.client import Person
from bot.playground.conversation import Reply
from bot.playground.host import Playground
from bot.running import RunningBot
from tests.integration.bot.flows.stand_ins import ALONE, FACELESS, FINE, StandIns, colour
from tests.integration.bot.flows.steps import quota_left, save_face, send


def is_result(reply: Reply) -> bool:
    """Unlike a picture in which faces are numbered."""
    return reply.kind in {"photo", "document"} and reply.message.media_group_id is None and "Share" in str(reply.labels)


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """A work with one face, one with two and one with none."""
    folder = tmp_path / "artworks"
    folder.mkdir()
    works = {"pearl": ("Girl <with> a Pearl", ALONE), "gothic": ("American Gothic", FINE), "sea": ("The Sea", FACELESS)}
    entries = []
    for name, (title, picture) in works.items():
        (folder / f"{name}.jpg").write_bytes(picture)
        entries.append(
            {"id": name, "file": f"{name}.jpg", "title": title, "artist": "Anon", "year": "1700", "licence": "CC0-1.0"}
        )
    (folder / "artworks.yaml").write_text(yaml.safe_dump(entries))
    return folder


@pytest.fixture(params=["polling", "webhook"])
async def gallery_bot(request: pytest.FixtureRequest, open_bot: Any, gallery: Path) -> AsyncIterator[RunningBot]:
    async with open_bot(mode=request.param, artworks_dir=gallery) as running:
        yield running


async def to_artworks(person: Person, photo: bytes) -> Reply:
    """The question which work of art it shall be."""
    await send(person, photo, then="Swap faces")
    await person.tap(await person.chat.find("Whose face"), "Into a work of art")
    return await person.chat.find("Which work of art")


async def subscribe(running: RunningBot, person: Person) -> None:
    await person.start()
    await person.chat.find("Hello")
    async with running.services.sessions.begin() as session:
        await session.execute(update(User).where(User.id == person.user.id).values(plus_until=time.time() + 3600))


async def test_one_face_goes_into_a_work_with_one_face_at_a_tap(
    gallery_bot: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    question = await to_artworks(ann, ALONE)
    assert question.labels == ["1. Girl <with> a Pearl", "2. American Gothic", "3. The Sea"]
    albums = [
        reply for reply in ann.chat.replies if "1\u00a0Girl <with> a Pearl · 2\u00a0American Gothic" in reply.text
    ]
    assert len(albums) == 1
    await ann.tap(question, "Girl")
    result = await ann.chat.find(is_result)
    assert colour(result.file()) == (70, 70, 70)
    assert result.text == "Girl <with> a Pearl, Anon"
    assert stand_ins.swapped[0].mapping == ((0, 0),)
    assert colour(stand_ins.swapped[0].target.data) == (20, 200, 20)


async def test_numbered_faces_of_a_work_of_art_are_mapped_by_taps(
    gallery_bot: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    question = await to_artworks(ann, FINE)
    await ann.tap(question, "American Gothic")
    await ann.chat.find("where the faces go")
    first = await ann.chat.find("Face 1 of 2")
    assert first.labels == ["1", "2", "Leave it as it is"]
    await ann.tap(first, "2")
    await ann.tap(await ann.chat.edited(first, "Face 2 of 2"), "Leave")
    await ann.chat.gone(first)
    assert (await ann.chat.find(is_result)).text == "American Gothic, Anon"
    assert stand_ins.swapped[0].mapping == ((1, 0),)
    assert await quota_left(gallery_bot, ann) == 4


async def test_after_the_faces_that_matter_the_rest_can_be_left(
    open_bot: Any, gallery: Path, playground: Playground, stand_ins: StandIns
) -> None:
    async with open_bot(artworks_dir=gallery):
        ann = playground.person("Ann")
        await ann.tap(await to_artworks(ann, ALONE), "American Gothic")
        question = await ann.chat.find("Face 1 of 2: shall yours go there?")
        assert question.labels == ["🎭 Put it here", "Leave it as it is"]
        bundle = question.button("Put it here")["callback_data"].split(":")[1]
        # Three faces, of which the first is chosen.
        code = question.button("Put it here")["callback_data"].split(":")[5]
        await ann.tap_data(question, f"w2:{bundle}:0:1:3:{code}:0")
        await ann.chat.edited(question, "Face 2 of 3")
        await ann.tap(question, "Leave the rest")
        await ann.chat.find(is_result)
    assert stand_ins.swapped[0].mapping == ((0, 0),)


async def test_a_saved_face_goes_into_a_work_of_art_without_another_photo(
    gallery_bot: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await save_face(ann, "Bob")
    await ann.say("/faces")
    await ann.tap(await ann.chat.find("1 of 20"), "🖼 Bob")
    await ann.tap(await ann.chat.find("Which work of art"), "American Gothic")
    question = await ann.chat.find("Face 1 of 2")
    assert question.labels == ["Bob", "Leave it as it is"]
    await ann.tap(question, "Leave")
    await ann.tap(await ann.chat.edited(question, "Face 2 of 2"), "Bob")
    await ann.chat.find(is_result)
    assert stand_ins.swapped[0].mapping == ((0, 1),)


async def test_a_work_nobody_can_be_put_into_is_said_and_costs_nothing(
    gallery_bot: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await ann.tap(await to_artworks(ann, ALONE), "The Sea")
    await ann.chat.find("do not have this work of art")
    assert stand_ins.swapped == []


async def test_two_photos_need_a_plan_and_the_way_to_it_is_shown(
    gallery_bot: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await send(ann, ALONE, ALONE, then="Swap faces")
    told = await ann.chat.find("part of the subscription")
    assert "For works of art you need none" in told.text
    assert told.labels == ["⭐ Credits"]
    assert stand_ins.swapped == []


async def test_where_no_works_hang_the_way_to_a_plan_is_shown_at_once(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await send(ann, ALONE, then="Swap faces")
    told = await ann.chat.find("part of the subscription")
    assert "work of art" not in told.text
    assert told.labels == ["⭐ Credits"]


async def test_a_plan_that_ended_between_two_taps_is_noticed(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await subscribe(running, ann)
    await send(ann, FINE, FINE, then="Swap faces")
    question = await ann.chat.find("Face 1 of 2")
    async with running.services.sessions.begin() as session:
        await session.execute(update(User).values(plus_until=1.0))
    await ann.tap(question, "1")
    told = await ann.chat.find("part of the subscription")
    assert "work of art" not in told.text
    assert stand_ins.swapped == []


async def test_subscribers_put_faces_into_their_own_photos(
    either: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann = playground.person("Ann")
    await subscribe(either, ann)
    await send(ann, ALONE, ALONE, then="Swap faces")
    assert colour((await ann.chat.find(is_result)).file()) == (70, 70, 70)
