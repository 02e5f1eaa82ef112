"""Editing and deleting: what may be changed, by whom and for how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.playground.api.call import Upload

BUTTON = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)


@pytest.fixture
async def text_id(bench: Any) -> int:
    return (await bench.to_anna("sendMessage", text="before", reply_markup=BUTTON))["message_id"]


@pytest.fixture
async def photo_id(bench: Any, make_picture: Callable[..., bytes]) -> int:
    files = {"photo": Upload(make_picture())}
    return (await bench.call("sendPhoto", files, chat_id=str(bench.anna.id), caption="before"))["message_id"]


async def test_a_text_is_replaced_and_loses_its_buttons_unless_given_again(bench: Any, text_id: int) -> None:
    edited = await bench.to_anna("editMessageText", message_id=text_id, text="after", reply_markup=BUTTON)
    assert (edited["text"], edited["reply_markup"]) == ("after", BUTTON)
    assert "edit_date" in edited
    assert "reply_markup" not in await bench.to_anna("editMessageText", message_id=text_id, text="last")


async def test_an_edit_that_changes_nothing_is_refused(bench: Any, text_id: int) -> None:
    args = {"chat_id": bench.anna.id, "message_id": text_id, "text": "before", "reply_markup": BUTTON}
    assert await bench.refusal("editMessageText", **args) == NOT_MODIFIED
    refusal = await bench.refusal("editMessageReplyMarkup", **{**args, "text": ""})
    assert refusal == NOT_MODIFIED


async def test_buttons_alone_change_without_the_mark_of_an_edit(bench: Any, text_id: int) -> None:
    edited = await bench.to_anna("editMessageReplyMarkup", message_id=text_id)
    assert "reply_markup" not in edited
    assert "edit_date" not in edited


async def test_a_picture_has_no_text_to_edit(bench: Any, photo_id: int) -> None:
    refusal = await bench.refusal("editMessageText", chat_id=bench.anna.id, message_id=photo_id, text="x")
    assert refusal == "Bad Request: there is no text in the message to edit"


async def test_what_is_gone_or_not_the_bots_is_not_edited(bench: Any, text_id: int) -> None:
    refusal = await bench.refusal("editMessageText", chat_id=bench.anna.id, message_id=99, text="x")
    assert refusal == "Bad Request: message to edit not found"
    theirs = bench.people.send(bench.anna, bench.chat, {"text": "mine"})
    refusal = await bench.refusal("editMessageText", chat_id=bench.anna.id, message_id=theirs.id, text="x")
    assert refusal == "Bad Request: message can't be edited"
    bench.people.delete_chat(bench.anna)
    refusal = await bench.refusal("editMessageText", chat_id=bench.anna.id, message_id=text_id, text="x")
    assert refusal == "Bad Request: message to edit not found"
    assert await bench.refusal("editMessageText", text="x") == "Bad Request: message identifier is not specified"


async def test_messages_are_deleted_for_two_days(bench: Any, text_id: int, photo_id: int) -> None:
    assert await bench.to_anna("deleteMessage", message_id=text_id)
    refusal = await bench.refusal("deleteMessage", chat_id=bench.anna.id, message_id=text_id)
    assert refusal == "Bad Request: message to delete not found"
    bench.clock.advance(48 * 3600 + 1)
    refusal = await bench.refusal("deleteMessage", chat_id=bench.anna.id, message_id=photo_id)
    assert refusal == "Bad Request: message can't be deleted for everyone"


async def test_a_group_members_message_is_deleted_by_administrators_only(bench: Any) -> None:
    group = bench.telegram.add_group("Friends", [bench.anna])
    theirs = bench.people.send(bench.anna, group, {"text": "mine"})
    args = {"chat_id": group.id, "message_id": theirs.id}
    assert await bench.refusal("deleteMessage", **args) == "Bad Request: message can't be deleted"
    group.bot_status = "administrator"
    assert await bench.call("deleteMessage", **args)
