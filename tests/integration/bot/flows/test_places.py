"""Groups, inline sharing, the operator's commands, privacy and leaving."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramMigrateToChat
from aiogram.methods import EditMessageReplyMarkup
from sqlalchemy import func, select, update

from bot.delivery.messages import Address, Flooded, Outgoing, Sent
from bot.delivery.outbound import Outbound
from bot.delivery.tables import Delivery
from bot.delivery.telegram import BotSender
from bot.intake.tables import Bundle, WaitingUpdate
from bot.playground.conversation import Reply
from bot.playground.host import Playground
from bot.running import RunningBot
from tests.eventually import until
from tests.integration.bot.flows.stand_ins import FINE, StandIns
from tests.integration.bot.flows.steps import handled, is_result, known, send


async def test_in_a_group_only_what_is_meant_for_the_bot_is_heard(either: RunningBot, playground: Playground) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann, bob)
    await bob.send_photo(FINE, to=group)
    await bob.say("nice weather", to=group)
    await ann.send_photo(FINE, caption=f"@{playground.bot.username} look", to=group)
    question = await group.chat.find("Choose a style")
    assert len(group.chat.replies) == 1
    await ann.tap(question, "The Wave")
    await group.chat.find(is_result)
    assert await known(either) == [ann.user.id]


async def test_a_mention_that_answers_a_photo_speaks_of_that_photo(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    group = playground.group("Family", ann)
    photo = await ann.send_photo(FINE, to=group)
    await ann.say(f"@{playground.bot.username} the wave", to=group, reply_to=photo)
    assert (await group.chat.find(is_result)).text == "The Wave"


async def test_who_writes_as_the_group_is_asked_to_write_as_a_person(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    group = playground.group("Family", ann)
    await ann.send_photo(FINE, to=group, anonymous=True)
    await ann.send_photo(FINE, f"@{playground.bot.username} the wave", to=group, anonymous=True)
    assert "Choose your own name" in (await group.chat.next()).text
    await ann.send_photo(FINE, f"@{playground.bot.username} and now?", to=group, anonymous=True)
    await handled(running, 3)
    assert len(group.chat.replies) == 1  # said now and then, like every refusal
    await ann.send_photo(FINE, f"@{playground.bot.username} the wave", to=group)
    await group.chat.find(is_result)
    assert await known(running) == [ann.user.id]


async def test_an_anonymous_administrator_who_takes_the_bot_in_is_told_how_to_speak_to_it(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    group = playground.group("Family", ann)
    me = await running.bot.me()
    await ann.send_content({"new_chat_members": [me.model_dump(exclude_none=True)]}, to=group, anonymous=True)
    assert f"mention @{playground.bot.username}" in (await group.chat.next()).text
    assert await known(running) == []


async def test_in_a_group_the_caption_of_one_photo_speaks_for_its_album(
    either: RunningBot, playground: Playground
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann, bob)
    await bob.send_album([FINE, FINE], to=group)
    asked = f"@{playground.bot.username} the wave"
    for album, captions in {"1": (asked, ""), "2": ("", asked)}.items():
        for caption in captions:
            await ann.send_photo(FINE, caption, to=group, media_group_id=album)
    for _ in range(2):
        assert len(await group.chat.album()) == 2
    assert await known(either) == [ann.user.id]


async def test_a_group_that_takes_the_bot_in_is_told_how_to_speak_to_it(
    running: RunningBot, playground: Playground
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann)
    group.set_bot_status(ann, "kicked")
    group.set_bot_status(ann, "member")
    assert f"mention @{playground.bot.username}" in (await group.chat.find("Hello, Ann")).text
    group.add(bob)
    await ann.send_content({"new_chat_members": [bob.user.json()]}, to=group)
    await ann.say(f"@{playground.bot.username} what can you do?", to=group)
    assert f"mention @{playground.bot.username}" in (await group.chat.find("I work with photos")).text
    await ann.send_content({"group_chat_created": True}, to=group)
    assert f"mention @{playground.bot.username}" in (await group.chat.find("Hello, Ann")).text
    assert len(group.chat.replies) == 3


async def test_other_members_taps_are_not_heard(
    running: RunningBot, playground: Playground, stand_ins: StandIns
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann, bob)
    await ann.send_photo(FINE, caption=f"@{playground.bot.username}", to=group)
    question = await group.chat.find("Choose a style")
    await bob.answer(await bob.tap(question, "The Wave"))
    await ann.tap(question, "Night")
    await group.chat.find(is_result)
    assert [query.weights[0][0] for query in stand_ins.painted] == ["night"]


@pytest.mark.parametrize("by", ["command", "button"])
async def test_in_a_group_settings_are_their_owners_alone_to_change(
    running: RunningBot, playground: Playground, by: str
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob", language="ru")
    group = playground.group("Family", ann, bob)
    await ann.say("/help", to=group)
    menu = await group.chat.find("Send me a photo")

    async def opened(page: str, words: str) -> Reply:
        await (ann.tap(menu, page) if by == "button" else ann.say(f"/{page.lower()}", to=group))
        return await group.chat.find(words)

    settings, question = await opened("Settings", "Tap to change"), await opened("Language", "Which language")
    for message, label in ((settings, "Send results as files"), (settings, "25 %"), (question, "English")):
        await bob.answer(await bob.tap(message, label))
    await ann.tap(settings, "Keep my photos for longer")
    await group.chat.edited(settings, "Tap to change")
    assert settings.labels[:2] == ["Send results as files: no", "Keep my photos for longer: yes"]
    await bob.say("/settings", to=group)
    assert (await group.chat.find("Настройки")).labels[:6] == [
        "Присылать файлом: нет", "Хранить фотографии дольше: нет", "25 %", "50 %", "75 %", "• 100 %"
    ]  # fmt: skip
    assert question.edits == 0
    await ann.tap(question, "Русский")
    await group.chat.edited(question, "по-русски")


async def test_results_are_shared_inline(either: RunningBot, playground: Playground) -> None:
    ann, mallory = playground.person("Ann"), playground.person("Mallory")
    group = playground.group("Family", ann)
    nothing = await ann.inline("")
    assert nothing.answer is not None
    assert nothing.answer["results"] == []
    await send(ann, FINE, then="The Wave")
    result = await ann.chat.find(is_result)
    job = result.button("Share")["switch_inline_query"]
    shared = await ann.inline(job)
    assert shared.answer is not None
    assert [offer["id"] for offer in shared.answer["results"]] == [job]
    ann.choose(shared, job, to=group)
    stolen = await mallory.inline(job)
    assert stolen.answer is not None
    assert stolen.answer["results"] == []


async def test_who_types_behind_the_bots_name_gets_no_account_and_uses_up_nothing_of_what_they_may_send(
    open_bot: Any, playground: Playground
) -> None:
    ann = playground.person("Ann")
    flood = {"per_minute": 1, "burst": 2, "chat_per_minute": 60, "chat_burst": 60}
    async with open_bot(flood=flood) as running:
        for letters in ("", "c", "ca", "cat"):
            shown = await ann.inline(letters)
            assert shown.answer is not None
            assert shown.answer["results"] == []
        assert await known(running) == []
        await ann.send_photo(FINE)
        await ann.chat.find("Choose a style")


async def test_what_is_left_behind_in_a_group_that_became_a_supergroup_is_not_tried_again(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = playground.person("Ann")
    group = playground.group("Family", ann)
    await ann.send_photo(FINE, f"@{playground.bot.username} the wave", to=group)
    result = await group.chat.find(is_result)
    whole, tried = Outbound.__call__, 0

    async def call(outbound: Outbound, make_request: Any, bot: Bot, method: Any) -> Any:
        nonlocal tried
        if isinstance(method, EditMessageReplyMarkup):
            tried += 1
            raise TelegramMigrateToChat(method, "group chat was upgraded to a supergroup chat", -1001)
        return await whole(outbound, make_request, bot, method)

    monkeypatch.setattr(Outbound, "__call__", call)
    await ann.tap(result, "Strength")
    await handled(running, 2)
    assert tried == 1


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_what_was_put_aside_is_taken_up_by_the_next_process_in_whichever_mode(
    open_bot: Any, playground: Playground, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    async def refuse(_sender: BotSender, _to: Address, _message: Outgoing) -> Sent:
        raise Flooded(1.0)

    ann = playground.person("Ann")
    async with open_bot() as running:
        with monkeypatch.context() as patch:
            patch.setattr(BotSender, "send", refuse)
            await ann.say("/help")
            await until(lambda: waiting(running))
    assert ann.chat.replies == []
    async with open_bot(mode=mode) as running:
        await ann.chat.find("Send me a photo", patience=60)
        await handled(running, 1)
        assert await waiting(running) == 0
        assert len(ann.chat.replies) == 1


async def waiting(running: RunningBot) -> int:
    """How many updates are put aside."""
    async with running.services.sessions() as session:
        return (await session.execute(select(func.count()).select_from(WaitingUpdate))).scalar_one()


async def test_sharing_waits_for_the_record_of_the_delivery(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await send(ann, FINE, then="The Wave")
    result = await ann.chat.find(is_result)
    job = result.button("Share")["switch_inline_query"]
    taken = await ann.chat.until(lambda: result.file_id, "the picture")
    await until(lambda: record(running, sending=1.0, file_id=None))
    sharing = asyncio.create_task(ann.inline(job))
    await asyncio.sleep(0)
    await record(running, sending=None, file_id=taken)
    shared = await sharing
    assert shared.answer is not None
    assert [offer["id"] for offer in shared.answer["results"]] == [job]


async def record(running: RunningBot, **values: Any) -> bool:
    """Change what is recorded of the delivered picture; False while there is no record."""
    change = update(Delivery).where(Delivery.sent.is_not(None)).values(**values).returning(Delivery.job_id)
    async with running.services.sessions.begin() as session:
        return (await session.execute(change)).first() is not None


async def test_the_operator_bans_lets_in_and_counts(open_bot: Any, playground: Playground) -> None:
    ann, boss = playground.person("Ann"), playground.person("Boss")
    async with open_bot(admins=[boss.user.id]) as running:
        await ann.start()
        greeting = await ann.chat.find("Hello")
        await boss.say(f"/ban {ann.user.id}")
        await boss.chat.find("banned")
        await ann.say("/help")
        assert (await ann.answer(await ann.tap(greeting, "Help"))).text == ""
        offered = await ann.inline("")
        assert offered.answer is not None and not offered.answer["results"]
        await handled(running, 5)
        await boss.say("/stats")
        assert "2 active" in (await boss.chat.find("DAU/WAU")).text
        await boss.say(f"/unban {ann.user.id}")
        await boss.chat.find("let in")
        await ann.say("/plans")
        await ann.chat.find("Credits:")
        assert not [reply for reply in ann.chat.replies if "Send me a photo (" in reply.text]


async def test_the_operators_commands_do_not_exist_for_others(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    await ann.say(f"/ban {ann.user.id}")
    await ann.chat.find("I work with photos")


async def test_a_forwarded_photo_is_refused_also_where_a_mention_points_at_it(
    open_bot: Any, playground: Playground
) -> None:
    async with open_bot(forbid_forwarded=True):
        ann = playground.person("Ann")
        group = playground.group("Family", ann)
        photo = await ann.send_photo(FINE, to=group, forwarded_from="somebody")
        await ann.say(f"@{playground.bot.username} the wave", to=group, reply_to=photo)
        await group.chat.find("Forwarded photos")


async def test_an_announcement_reaches_everybody_who_is_still_there(open_bot: Any, playground: Playground) -> None:
    boss, ann, bob, carl = (playground.person(name) for name in ("Boss", "Ann", "Bob", "Carl"))
    async with open_bot(admins=[boss.user.id]):
        for person in (boss, ann, bob, carl):
            await person.start()
            await person.chat.find("Hello")
        await boss.say(f"/ban {carl.user.id}")
        await boss.chat.find("banned")
        bob.block()
        news = await boss.say("New styles & <b>more</b>!")
        await boss.chat.find("I work with photos")
        await boss.say("/broadcast", reply_to=news)
        told = await boss.chat.find("broadcast done")
        assert "2 reached, 1 gone, 0 failed" in told.text
        await ann.chat.find("New styles & <b>more</b>!")
        assert not [reply for reply in carl.chat.replies if "New styles" in reply.text]


async def test_in_a_group_a_command_that_is_not_ours_is_left_to_other_bots(
    running: RunningBot, playground: Playground
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann, bob)
    await bob.say("/roll 2d6", to=group)
    await bob.send_photo(FINE, "/roll", to=group, anonymous=True)
    await handled(running, 2)
    assert group.chat.replies == []
    await ann.say(f"/roll@{playground.bot.username}", to=group)
    await group.chat.find("I work with photos")
    await ann.say("/Help", to=group)
    await group.chat.find("Send me a photo")
    assert len(group.chat.replies) == 2
    assert await known(running) == [ann.user.id]


async def test_in_a_group_the_bot_does_not_join_in_when_its_pictures_are_talked_about(
    running: RunningBot, playground: Playground
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann, bob)
    await ann.send_photo(FINE, f"@{playground.bot.username} the wave", to=group)
    result = await group.chat.find(is_result)
    await bob.say("How beautiful!", to=group, reply_to=result)
    for kind in ("sticker", "voice", "video_note"):
        await bob.send_other(kind, to=group, reply_to=result)
    await bob.send_content({"dice": {"emoji": "🎲", "value": 3}}, to=group, reply_to=result)
    await bob.say("How? Just type /help", to=group)
    await handled(running, 7)
    assert not [reply for reply in group.chat.replies if "listen" in reply.text or "with photos" in reply.text]
    await bob.send_other("video", to=group, reply_to=result)
    await bob.say(f"@{playground.bot.username} and me?", to=group, reply_to=result.message)
    await group.chat.find("with videos")
    await group.chat.find("Choose a style")
    assert not [reply for reply in group.chat.replies if "I work with photos" in reply.text or "Send me" in reply.text]


async def test_an_album_whose_chat_has_no_room_for_the_question_holds_up_no_other(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, waiting, room = running.services.sender.send, asyncio.Event(), asyncio.Event()
    ann, bob = playground.person("Ann"), playground.person("Bob")
    group = playground.group("Family", ann)

    async def with_room(to: Address, message: Outgoing) -> Sent:
        if to.chat_id == group.group.id:
            waiting.set()
            await room.wait()
        return await send(to, message)

    monkeypatch.setattr(running.services.sender, "send", with_room)
    await ann.send_album([FINE, FINE], f"@{playground.bot.username}", to=group)
    await waiting.wait()
    await bob.send_album([FINE, FINE])
    await bob.chat.find("Choose a style")
    room.set()
    await group.chat.find("Choose a style")


async def test_an_album_of_somebody_who_blocked_the_bot_is_not_asked_about_for_ever(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    await ann.send_album([FINE, FINE])
    ann.block()
    prompted = select(Bundle.prompted).where(Bundle.prompted.is_not(None))
    async with asyncio.timeout(15):
        while True:
            async with running.services.sessions() as session:
                if (await session.execute(prompted)).first() is not None:
                    break
            await asyncio.sleep(0.02)
    assert ann.chat.replies == []
