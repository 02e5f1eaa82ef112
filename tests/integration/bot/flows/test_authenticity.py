"""Is it real? A sentence with a probability, said with its doubts."""

from __future__ import annotations

import pytest

from bot.playground.client import Person
from bot.playground.conversation import Reply
from bot.playground.host import Playground
from bot.running import RunningBot
from tests.integration.bot.flows.stand_ins import ALONE, FACELESS, FINE, REFUSED
from tests.integration.bot.flows.steps import quota_left, send, settled


async def opinion(person: Person, photo: bytes) -> Reply:
    await send(person, photo, then="Is it real?")
    return await person.chat.find("An estimate, not proof")


async def test_a_machine_made_picture_is_told_as_likely_and_never_as_certain(
    either: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    told = await opinion(ann, ALONE)
    assert "looks like a picture made by AI" in told.text
    assert "99\u202f%" in told.text
    assert "typing" in ann.chat.actions
    assert await quota_left(either, ann) == 4


async def test_a_photograph_is_told_with_what_chance_is_left(running: RunningBot, playground: Playground) -> None:
    told = await opinion(playground.person("Ann"), FACELESS)
    assert "looks like a photograph" in told.text
    assert "4\u202f%" in told.text


async def test_doubt_is_said_with_its_band_and_costs_nothing(either: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    told = await opinion(ann, FINE)
    assert "I cannot tell" in told.text
    assert "50\u202f%, and between 25 and 75\u202f%" in told.text
    assert "cost you nothing" in told.text
    await settled(either, ann, left=5)


async def test_it_doubts_in_russian_too(either: RunningBot, playground: Playground) -> None:
    anna = playground.person("Анна", language="ru")
    await anna.send_photo(FINE, caption="Это настоящее фото?")
    assert "от 25 до 75\u202f%" in (await anna.chat.find("Не могу сказать")).text


async def test_an_album_is_answered_in_one_message(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await send(ann, ALONE, FACELESS, then="Is it real?")
    told = (await ann.chat.find("An estimate, not proof")).text
    assert told.index("1. 🤖") < told.index("2. 📷")


async def test_of_an_album_only_what_could_be_told_is_charged(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await send(ann, ALONE, FINE, then="Is it real?")
    told = (await ann.chat.find("An estimate, not proof")).text
    assert told.index("1. 🤖") < told.index("2. 🤷")
    await settled(running, ann, left=4)


async def test_a_refused_picture_gets_no_opinion(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await send(ann, REFUSED, then="Is it real?")
    assert "It cost you nothing" in (await ann.chat.find("nudity")).text


@pytest.mark.parametrize(
    ("caption", "answer"),
    [
        ("who do I look like?", "You look like"),
        ("На кого я похожа?", "You look like"),
        ("please hide the faces", "How shall I hide"),
        ("blur everybody", "Nobody to be seen"),
        # With one face in the photo and no works of art here, a swap takes a photo of one's own.
        ("swap!", "part of the subscription"),
        ("is it real, or what", "An estimate"),
        ("the wave, and who do I look like", "Choose a style"),
    ],
)
async def test_captions_ask_for_features(
    running: RunningBot, playground: Playground, caption: str, answer: str
) -> None:
    ann = playground.person("Ann")
    await ann.send_photo(FINE, caption=caption)
    await ann.chat.find(answer)
