"""What people do, and which of it the bot hears."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.telegram.model import Chat, Message
from bot.playground.telegram.people import NotPossible
from bot.playground.telegram.text import format_text


def say(bench: Any, chat: Chat, text: str, **details: Any) -> Message:
    return bench.people.send(bench.anna, chat, format_text(text).fields("text"), **details)


def test_everything_in_private_is_heard_in_the_chats_order(bench: Any) -> None:
    say(bench, bench.chat, "a")
    say(bench, bench.chat, "b")
    heard = bench.heard()
    assert [update.body["text"] for update in heard] == ["a", "b"]
    assert len({update.lane for update in heard}) == 1
    assert heard[0].body["from"]["language_code"] == "en"


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("hello", False),
        ("hello @masquerade_playground_bot", False),
        ("/paint", True),
        ("/paint@masquerade_playground_bot", True),
        ("/paint@another_bot", False),
        ("please /paint", False),
    ],
)
def test_with_privacy_mode_a_group_is_heard_by_commands_only(bench: Any, text: str, heard: bool) -> None:
    group = bench.telegram.add_group("Friends", [bench.anna])
    say(bench, group, text)
    assert bool(bench.heard()) is heard


def test_with_privacy_mode_a_reply_to_the_bot_is_heard(bench: Any) -> None:
    group = bench.telegram.add_group("Friends", [bench.anna])
    posted = bench.telegram.post(group, None, {"text": "question"})
    say(bench, group, "answer", reply_to=posted)
    assert bench.heard()[0].body["reply_to_message"]["text"] == "question"


def test_with_privacy_mode_a_command_in_a_caption_is_heard(bench: Any) -> None:
    group = bench.telegram.add_group("Friends", [bench.anna])
    bench.people.send(bench.anna, group, {"photo": [], **format_text("/paint").fields("caption")})
    assert len(bench.heard()) == 1


def test_without_privacy_mode_or_as_administrator_everything_is_heard(bench: Any, open_bench: Any) -> None:
    group = open_bench.telegram.add_group("Friends", [open_bench.anna])
    say(open_bench, group, "hello")
    assert len(open_bench.heard()) == 1
    group = bench.telegram.add_group("Friends", [bench.anna])
    bench.people.set_bot_status(group, bench.anna, "administrator")
    bench.heard()
    say(bench, group, "hello")
    assert len(bench.heard()) == 1


def test_joining_and_leaving_a_group_is_told(bench: Any) -> None:
    group = bench.telegram.add_group("Friends", [bench.anna])
    bench.people.set_bot_status(group, bench.anna, "kicked")
    assert bench.heard()[0].body["new_chat_member"]["status"] == "kicked"
    say(bench, group, "/paint")
    assert bench.heard() == []
    bench.people.set_bot_status(group, bench.anna, "member")
    change, welcome = bench.heard()
    assert change.kind == "my_chat_member"
    assert welcome.body["new_chat_members"][0]["username"] == "masquerade_playground_bot"


def test_blocking_and_unblocking_is_told(bench: Any) -> None:
    bench.people.block(bench.anna)
    with pytest.raises(NotPossible):
        say(bench, bench.chat, "hello")
    bench.people.unblock(bench.anna)
    assert [update.body["new_chat_member"]["status"] for update in bench.heard()] == ["kicked", "member"]


def test_a_deleted_chat_has_no_messages_and_can_be_written_to(bench: Any) -> None:
    message = bench.telegram.post(bench.chat, None, {"text": "a"})
    bench.people.delete_chat(bench.anna)
    assert message.deleted
    assert bench.chat.messages == {}
    assert bench.telegram.writable_chat(str(bench.anna.id)) is bench.chat


def test_an_edit_is_told_with_the_new_text(bench: Any) -> None:
    message = say(bench, bench.chat, "a")
    bench.people.edit(message, "b")
    _, edited = bench.heard()
    assert (edited.kind, edited.body["text"], "edit_date" in edited.body) == ("edited_message", "b", True)


def test_a_tap_on_a_deleted_message_leaves_only_its_place(bench: Any) -> None:
    message = bench.telegram.post(bench.chat, None, {"text": "a"})
    bench.telegram.delete(message)
    bench.interactions.tap(bench.anna, message, "x")
    assert bench.heard()[0].body["message"] == {
        "chat": bench.chat.json(),
        "message_id": message.id,
        "date": 0,
    }


def test_private_chats_share_a_counter_of_messages_and_supergroups_have_their_own(bench: Any) -> None:
    boris = bench.telegram.add_user("Boris")
    first = say(bench, bench.chat, "a").id
    other = bench.people.send(boris, bench.telegram.private_chat(boris), {"text": "b"}).id
    group = bench.telegram.add_group("Friends", [bench.anna])
    assert other == first + 1
    assert say(bench, group, "/c").id == 1


def test_strangers_cannot_write_into_a_group(bench: Any) -> None:
    group = bench.telegram.add_group("Friends", [])
    with pytest.raises(NotPossible):
        say(bench, group, "hello")
