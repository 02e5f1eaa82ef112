"""Reading a chat: in order, waiting for what comes, saying what came instead."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.conversation import Conversation, NothingCame, Reply
from bot.playground.telegram.model import Event


@pytest.fixture
def chat(bench: Any) -> Conversation:
    conversation = Conversation(bench.chat.id, bench.telegram.files, patience=5)
    bench.telegram.listeners.append(conversation.hear)
    return conversation


def post(bench: Any, text: str, **details: Any) -> Any:
    return bench.telegram.post(bench.chat, None, {"text": text}, **details)


async def test_messages_are_read_in_order_and_once(bench: Any, chat: Conversation) -> None:
    for text in "abc":
        post(bench, text)
    assert [(await chat.next()).text, (await chat.find("c")).text] == ["a", "c"]
    assert chat.unread == []


async def test_what_a_person_writes_is_not_the_bots(bench: Any, chat: Conversation) -> None:
    bench.people.send(bench.anna, bench.chat, {"text": "mine"})
    assert chat.replies == []


async def test_an_album_is_read_as_one(bench: Any, chat: Conversation) -> None:
    for text in "ab":
        post(bench, text, media_group_id="1")
    post(bench, "after")
    assert [reply.text for reply in await chat.album()] == ["a", "b"]
    assert (await chat.next()).text == "after"


async def test_edits_and_deletions_are_waited_for(bench: Any, chat: Conversation) -> None:
    message = post(bench, "10 %")
    reply = await chat.next()
    bench.telegram.edit(message, {"text": "50 %"}, None)
    bench.telegram.edit(message, {"text": "done"}, None)
    assert (await chat.edited(reply, "done")).edits == 2
    bench.telegram.delete(message)
    await chat.gone(reply)
    assert reply.deleted


async def test_chat_actions_are_kept(bench: Any, chat: Conversation) -> None:
    bench.telegram.tell(Event("chat_action", bench.chat.id, details={"action": "upload_photo"}))
    assert await chat.until(lambda: chat.actions or None, "action") == ["upload_photo"]


async def test_what_did_not_come_is_said_with_what_did(bench: Any, chat: Conversation) -> None:
    post(bench, "hello")
    with pytest.raises(NothingCame, match="no message with 'bye' within 0.01 s; the bot wrote:\n  #2 text: 'hello'"):
        await chat.find("bye", patience=0.01)
    reply = await chat.next()
    with pytest.raises(NothingCame, match="no edit of #2"):
        await chat.edited(reply, patience=0.01)


def test_buttons_are_found_by_label_data_or_a_part_of_either(bench: Any, chat: Conversation) -> None:
    rows = [[{"text": "Again", "callback_data": "a:1"}, {"text": "Again, stronger", "callback_data": "a:2"}]]
    post(bench, "x", reply_markup={"inline_keyboard": rows})
    reply = chat.replies[0]
    assert reply.labels == ["Again", "Again, stronger"]
    assert reply.button("Again")["callback_data"] == "a:1"
    assert reply.button("strong")["callback_data"] == "a:2"
    assert reply.button("a:2")["text"] == "Again, stronger"
    with pytest.raises(AssertionError, match="2 buttons match 'a:'"):
        reply.button("a:")
    with pytest.raises(AssertionError, match="0 buttons match 'Stop'"):
        reply.button("Stop")


def test_a_reply_without_an_invoice_says_so(bench: Any, chat: Conversation) -> None:
    post(bench, "x")
    reply: Reply = chat.replies[0]
    with pytest.raises(AssertionError, match="no invoice"):
        _ = reply.invoice
    assert (reply.kind, reply.rows) == ("text", [])
