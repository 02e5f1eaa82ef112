"""Greeting, help, language, and how everything that is not a photo is turned away."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import AnswerCallbackQuery, TelegramMethod

from bot.delivery.messages import Uncertain
from bot.playground.host import Playground
from bot.running import RunningBot
from tests.integration.bot.flows.stand_ins import FINE, StandIns
from tests.integration.bot.flows.steps import handled, prefer_files, tap_later


async def test_a_name_full_of_markup_is_greeted_by_that_name(either: RunningBot, playground: Playground) -> None:
    person = playground.person("<b>Bobby</b> & Co")
    await person.start()
    greeting = await person.chat.find("Hello")
    assert "<b>Bobby</b> & Co" in greeting.text


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("", "Hello!"),
        ("\u3164 \u200d", "Hello!"),
        ("\u202eAnn\u2066", "Hello, Ann!"),
        ("👩\u200d🎨", "Hello, 👩\u200d🎨!"),
    ],
)
async def test_a_name_is_said_as_far_as_there_is_something_to_read_in_it(
    running: RunningBot, playground: Playground, name: str, greeted: str
) -> None:
    person = playground.person(name)
    await person.start()
    assert (await person.chat.find("Hello")).text.splitlines()[0] == greeted


async def test_the_language_can_be_chosen_and_stays(either: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann", language="fr")
    await ann.start()
    greeting = await ann.chat.find("Hello")
    await ann.tap(greeting, "Language")
    choice = await ann.chat.find("Which language")
    assert choice.labels == ["English", "Русский"]
    await ann.tap(choice, "Русский")
    await ann.chat.edited(choice, "по-русски")
    await ann.say("/help")
    await ann.chat.find("Пришлите фотографию")


async def test_settings_that_are_too_old_to_be_shown_to_bots_are_changed_and_shown_anew(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await ann.say("/settings")
    old = await ann.chat.find("Settings")
    await tap_later(ann, old, "Send results as files")
    settings = await ann.chat.find("Settings")
    assert "Send results as files: yes" in settings.labels
    await ann.tap(settings, "Language")
    await tap_later(ann, await ann.chat.find("Which language"), "Русский")
    await ann.chat.find("по-русски")


async def test_a_tap_on_a_setting_that_is_handled_twice_does_not_turn_it_back(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit, tries = running.services.sender.edit, 0

    async def breaking_off_once(*message: Any) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Uncertain("the connection broke")
        await edit(*message)

    ann = playground.person("Ann")
    await ann.say("/settings")
    settings = await ann.chat.find("Settings")
    monkeypatch.setattr(running.services.sender, "edit", breaking_off_once)
    await ann.tap(settings, "Keep my photos for longer")
    await ann.chat.edited(settings)
    assert "Keep my photos for longer: yes" in settings.labels
    await ann.say("/privacy")
    assert "For you: 30 days" in (await ann.chat.find("What I keep")).text


async def test_a_tap_does_what_it_says_while_telegram_takes_no_answers_to_taps(
    running: RunningBot, playground: Playground
) -> None:
    async def refusing(make_request: Any, bot: Bot, method: TelegramMethod[Any]) -> Any:
        if isinstance(method, AnswerCallbackQuery):
            raise TelegramRetryAfter(method, "Too Many Requests", 60)
        return await make_request(bot, method)

    running.bot.session.middleware(refusing)
    for name in ("Ann", "Bob"):
        await prefer_files(playground.person(name))


async def test_help_speaks_only_of_what_the_studio_has(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.say("/help")
    text = (await ann.chat.find("Send me a photo")).text
    assert "paint it" in text
    assert "made by AI" in text


@pytest.mark.parametrize(("taken", "said"), [(100, 20), (5, 5)])
async def test_help_promises_no_larger_files_than_telegram_hands_out(
    open_bot: Any, playground: Playground, monkeypatch: pytest.MonkeyPatch, taken: int, said: int
) -> None:
    monkeypatch.setenv("MASQUERADE_LIMITS__MAX_BYTES", str(taken * 2**20))
    async with open_bot():
        ann = playground.person("Ann")
        await ann.say("/help")
        assert f"up to {said} MB" in (await ann.chat.find("Send me a photo")).text


async def test_what_the_studio_has_no_model_for_is_offered_nowhere(
    open_bot: Any, playground: Playground, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = replace(stand_ins.graph(), authenticity=None, swap=None)
    monkeypatch.setattr(stand_ins, "graph", lambda: bare)
    async with open_bot():
        ann = playground.person("Ann")
        await ann.say("/help")
        text = (await ann.chat.find("Send me a photo")).text
        assert "made by AI" not in text
        assert "swap faces in" not in text
        await ann.send_photo(FINE, caption="is it real?")
        labels = (await ann.chat.find("Choose a style")).labels
        assert labels[-2:] == ["👀 Who do I look like?", "🙈 Hide faces"]


async def test_where_nothing_can_be_painted_nobody_is_asked_for_a_style(
    open_bot: Any, playground: Playground, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces_only = replace(stand_ins.graph(), style=None, styles=None)
    monkeypatch.setattr(stand_ins, "graph", lambda: faces_only)
    async with open_bot():
        ann = playground.person("Ann")
        await ann.send_photo(FINE)
        assert (await ann.chat.find("What shall I make of it?")).text == "What shall I make of it?"


@pytest.mark.parametrize(
    ("kind", "words"),
    [("video", "videos"), ("sticker", "sticker"), ("voice", "voice"), ("animation", "animations"), ("audio", "music")],
)
async def test_what_is_no_photo_is_turned_away_by_its_name(
    running: RunningBot, playground: Playground, kind: Any, words: str
) -> None:
    ann = playground.person("Ann")
    await ann.send_other(kind)
    assert words in (await ann.chat.next()).text


async def test_words_and_places_are_turned_away_too(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.say("hello & goodbye")
    await ann.chat.find("I work with photos")
    await ann.send_content({"location": {"latitude": 1.0, "longitude": 2.0}})
    await ann.chat.find("only work with photos")
    await ann.send_content({"of_next_year": {}})
    await ann.chat.find("only work with photos")


async def test_what_telegram_says_of_a_chat_needs_no_answer(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    fill = {"type": "solid", "color": 1}
    await ann.send_content({"chat_background_set": {"type": {"type": "fill", "fill": fill, "dark_theme_dimming": 1}}})
    await ann.send_content({"write_access_allowed": {}})
    await handled(running, 2)
    await ann.say("/HELP")
    await ann.chat.find("Send me a photo")
    assert len(ann.chat.replies) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%PDF-1.7 nothing", "not a picture"),
        (FINE[:400], "damaged"),
        (FINE + b"\0" * (20 * 2**20), "too large"),
    ],
)
async def test_a_file_is_judged_by_its_bytes(
    running: RunningBot, playground: Playground, data: bytes, words: str
) -> None:
    ann = playground.person("Ann")
    await ann.send_document(data, "photo.jpg", "image/jpeg")
    assert words in (await ann.chat.next()).text


async def test_a_photo_with_a_wrong_name_and_type_is_taken(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.send_document(FINE, "notes.xyz", "application/octet-stream")
    await ann.chat.find("Choose a style")


async def test_forwarded_photos_are_refused_where_the_operator_says_so(open_bot: Any, playground: Playground) -> None:
    async with open_bot(forbid_forwarded=True):
        ann = playground.person("Ann")
        await ann.send_photo(FINE, forwarded_from="somebody")
        await ann.chat.find("Forwarded photos")


async def test_floods_are_answered_once_and_then_not_at_all(open_bot: Any, playground: Playground) -> None:
    flood = {"per_minute": 1, "burst": 2, "chat_per_minute": 60, "chat_burst": 60}
    async with open_bot(flood=flood):
        ann = playground.person("Ann")
        for _ in range(6):
            await ann.say("/help")
        await ann.chat.find("That was quick")
        bob = playground.person("Bob")
        await bob.say("/help")
        await bob.chat.find("Send me a photo")
        assert len([reply for reply in ann.chat.replies if "quick" in reply.text]) == 1
        assert len(ann.chat.replies) == 3


async def test_a_button_of_another_time_is_answered(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.start()
    greeting = await ann.chat.find("Hello")
    await ann.tap_data(greeting, "zz:1:2")
    dead = await ann.chat.find("another time")
    await ann.tap(dead, "Help")
    await ann.chat.find("Send me a photo")
    await ann.tap_data(greeting, "p:notanumber:x")
    await ann.chat.find("another time")


async def test_the_menu_of_commands_is_set_in_every_language(running: RunningBot, playground: Playground) -> None:
    english = await running.bot.get_my_commands(scope=_private())
    russian = await running.bot.get_my_commands(scope=_private(), language_code="ru")
    assert [command.command for command in english] == [command.command for command in russian]
    assert "Удалить" in " ".join(command.description for command in russian)
    assert {command.command: command.description for command in english}["help"] == "❓ Help"


def _private() -> Any:
    from aiogram.types import BotCommandScopeAllPrivateChats

    return BotCommandScopeAllPrivateChats()


async def test_a_bot_that_is_closed_as_soon_as_it_is_open_closes_at_once(
    monkeypatch: pytest.MonkeyPatch, open_bot: Any
) -> None:
    monkeypatch.setattr("bot.delivery.broadcast.DRAIN_S", 3600)
    async with asyncio.timeout(20), open_bot() as running:
        await running.bot.get_me()


async def test_an_animation_is_turned_away_by_its_name_although_telegram_calls_it_a_document_too(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    file = {"file_id": "CgAC1", "file_unique_id": "1", "mime_type": "video/mp4", "file_size": 5}
    await ann.send_content({"animation": file | {"width": 64, "height": 48, "duration": 1}, "document": file})
    assert "animations" in (await ann.chat.next()).text
