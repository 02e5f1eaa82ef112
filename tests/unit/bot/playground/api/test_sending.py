"""Sending: what the server takes, and the words in which it refuses the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.playground.api.call import Upload
from bot.playground.limits import FloodControl, Limits
from bot.playground.telegram.files import MAX_UPLOAD
from bot.playground.telegram.model import Event

BUTTON = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}


async def test_a_message_comes_back_as_it_was_sent(bench: Any) -> None:
    sent = await bench.to_anna("sendMessage", text="<b>Hi</b>", parse_mode="HTML", reply_markup=BUTTON)
    assert sent["text"] == "Hi"
    assert sent["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert sent["from"]["is_bot"]
    assert sent["chat"] == {"id": bench.anna.id, "type": "private", "first_name": "Anna"}
    assert sent["reply_markup"] == BUTTON
    assert sent["date"] == bench.telegram.now()


async def test_reply_keyboards_are_shown_but_not_returned(bench: Any) -> None:
    sent = await bench.to_anna("sendMessage", text="a", reply_markup={"keyboard": [["Yes"]]})
    assert "reply_markup" not in sent
    assert bench.chat.messages[sent["message_id"]].reply_markup == {"keyboard": [[{"text": "Yes"}]]}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "message text is empty"),
        ({"text": "  \n "}, "text must be non-empty"),
        ({"text": "<b></b>", "parse_mode": "HTML"}, "text must be non-empty"),
        ({"text": "a" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"text": "a" * 40_000}, "text is too long"),
        (
            {"text": "<b>", "parse_mode": "HTML"},
            "can't parse entities: Can't find end tag corresponding to start tag b",
        ),
        ({"text": "a", "reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"text": "a", "reply_parameters": {"message_id": 99_999}}, "message to be replied not found"),
        ({"text": "a", "chat_id": "1"}, "chat not found"),
        ({"text": "a", "chat_id": "@anna"}, "chat not found"),
        ({"text": "a", "chat_id": ""}, "chat_id is empty"),
    ],
)
async def test_refused_messages(bench: Any, args: dict[str, Any], message: str) -> None:
    given = {"chat_id": bench.anna.id} | args
    assert await bench.refusal("sendMessage", **given) == f"Bad Request: {message}"


async def test_the_longest_text_is_taken_as_counted_after_parsing(bench: Any) -> None:
    sent = await bench.to_anna("sendMessage", text=f"<b>{'a' * 4096}</b>", parse_mode="HTML")
    assert len(sent["text"]) == 4096


async def test_a_reply_may_be_sent_without_what_it_replies_to(bench: Any) -> None:
    reply = {"message_id": 99_999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await bench.to_anna("sendMessage", text="a", reply_parameters=reply)
    first = await bench.to_anna("sendMessage", text="a")
    second = await bench.to_anna("sendMessage", text="b", reply_to_message_id=first["message_id"])
    assert second["reply_to_message"]["text"] == "a"


async def test_people_who_cannot_be_written_to(bench: Any) -> None:
    stranger = bench.telegram.add_user("Stranger")
    refusal = await bench.refusal("sendMessage", chat_id=stranger.id, text="a")
    assert refusal == "Forbidden: bot can't initiate conversation with a user"
    bench.people.block(bench.anna)
    for method in ("sendMessage", "sendPhoto", "sendChatAction"):
        refusal = await bench.refusal(method, chat_id=bench.anna.id, text="a", action="typing")
        assert refusal == "Forbidden: bot was blocked by the user"
    bench.people.unblock(bench.anna)
    bench.people.deactivate(bench.anna)
    assert await bench.refusal("sendMessage", chat_id=bench.anna.id, text="a") == "Forbidden: user is deactivated"
    refusal = await bench.refusal("sendMessage", chat_id=bench.telegram.bot.id, text="a")
    assert refusal == "Forbidden: the bot can't send messages to the bot"


async def test_groups_that_cannot_be_written_to(bench: Any) -> None:
    group = bench.telegram.add_group("Friends", [bench.anna])
    bench.people.set_bot_status(group, bench.anna, "kicked")
    refusal = await bench.refusal("sendMessage", chat_id=group.id, text="a")
    assert refusal == "Forbidden: bot was kicked from the supergroup chat"
    bench.people.set_bot_status(group, bench.anna, "member")
    bench.people.set_bot_status(group, bench.anna, "left")
    refusal = await bench.refusal("sendMessage", chat_id=group.id, text="a")
    assert refusal == "Forbidden: bot is not a member of the supergroup chat"


async def test_a_photo_is_sent_by_upload_and_again_by_identifier(
    bench: Any, make_picture: Callable[..., bytes]
) -> None:
    files = {"p": Upload(make_picture(200, 100), "a.jpg")}
    sent = await bench.call(
        "sendPhoto", files, chat_id=str(bench.anna.id), photo="attach://p", caption="<i>c</i>", parse_mode="HTML"
    )
    assert [(size["width"], size["height"]) for size in sent["photo"]] == [(90, 45), (200, 100)]
    assert sent["caption"] == "c"
    again = await bench.to_anna("sendPhoto", photo=sent["photo"][0]["file_id"])
    assert again["photo"] == sent["photo"]
    assert "caption" not in again


async def test_a_part_named_after_the_argument_needs_no_reference(
    bench: Any, make_picture: Callable[..., bytes]
) -> None:
    sent = await bench.call("sendPhoto", {"photo": Upload(make_picture())}, chat_id=str(bench.anna.id))
    assert sent["photo"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "there is no photo in the request"),
        ({"photo": "attach://missing"}, "there is no photo in the request"),
        ({"photo": "AgACnonsense"}, "wrong file identifier/HTTP URL specified"),
        ({"photo": "https://example.com/a.jpg"}, "failed to get HTTP URL content"),
        ({"photo": "x", "caption": "a" * 1025}, "message caption is too long"),
    ],
)
async def test_refused_photos(bench: Any, args: dict[str, Any], message: str) -> None:
    assert await bench.refusal("sendPhoto", chat_id=bench.anna.id, **args) == f"Bad Request: {message}"


async def test_uploads_above_50_mb_are_refused(bench: Any) -> None:
    files = {"document": Upload(b"0" * (MAX_UPLOAD + 1))}
    refusal = await bench.refusal("sendDocument", files, chat_id=bench.anna.id)
    assert refusal == "Request Entity Too Large"


async def test_a_document_keeps_its_bytes_and_its_name(bench: Any, make_picture: Callable[..., bytes]) -> None:
    data = make_picture(kind="PNG")
    sent = await bench.call(
        "sendDocument", {"document": Upload(data, "a.png", "text/html")}, chat_id=str(bench.anna.id)
    )
    assert (sent["document"]["file_name"], sent["document"]["mime_type"]) == ("a.png", "image/png")
    assert bench.telegram.files.blob(sent["document"]["file_id"]).read() == data


async def test_an_album_is_several_messages_of_one_group(bench: Any, make_picture: Callable[..., bytes]) -> None:
    files = {"a": Upload(make_picture(50, 50)), "b": Upload(make_picture(60, 60))}
    media = [{"type": "photo", "media": "attach://a", "caption": "one"}, {"type": "photo", "media": "attach://b"}]
    sent = await bench.call("sendMediaGroup", files, chat_id=str(bench.anna.id), media=media)
    assert len({message["media_group_id"] for message in sent}) == 1
    assert [message.get("caption") for message in sent] == ["one", None]


def photos(*sources: str) -> list[dict[str, str]]:
    return [{"type": "photo", "media": source} for source in sources]


@pytest.mark.parametrize(
    ("media", "message"),
    [
        (None, 'parameter "media" is required'),
        ({}, "expected an Array of InputMedia"),
        (photos("attach://a"), "too few messages to send as an album"),
        (photos(*["attach://a"] * 11), "too many messages to send as an album"),
        (photos("attach://a", "attach://x"), "can't parse InputMedia: media not found"),
        ([{"media": "attach://a"}] * 2, "can't parse InputMedia: Can't find field \"type\""),
        (
            [{"type": "animation", "media": "attach://a"}] * 2,
            "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
        ),
        (
            [*photos("attach://a"), {"type": "document", "media": "attach://a"}],
            "document can't be mixed with other media types",
        ),
        (
            photos("attach://a", "attach://long"),
            'failed to send message #2 with the error message "PHOTO_INVALID_DIMENSIONS"',
        ),
    ],
)
async def test_refused_albums(bench: Any, make_picture: Callable[..., bytes], media: Any, message: str) -> None:
    files = {"a": Upload(make_picture()), "long": Upload(make_picture(2101, 100))}
    args = {} if media is None else {"media": media}
    assert await bench.refusal("sendMediaGroup", files, chat_id=bench.anna.id, **args) == f"Bad Request: {message}"
    assert [message for message in bench.chat.messages.values() if message.by_bot] == []


async def test_chat_actions_are_shown(bench: Any) -> None:
    shown: list[Event] = []
    bench.telegram.listeners.append(shown.append)
    assert await bench.to_anna("sendChatAction", action="upload_photo")
    assert shown[0].details == {"action": "upload_photo"}
    refusal = await bench.refusal("sendChatAction", chat_id=bench.anna.id, action="dance")
    assert refusal == "Bad Request: wrong parameter action in request"


async def test_a_copy_is_the_bots_own(bench: Any) -> None:
    original = bench.people.send(bench.anna, bench.chat, {"text": "mine"})
    where = {"from_chat_id": bench.anna.id, "message_id": original.id}
    copy = await bench.to_anna("copyMessage", **where)
    assert bench.chat.messages[copy["message_id"]].json()["text"] == "mine"
    refusal = await bench.refusal("copyMessage", chat_id=bench.anna.id, from_chat_id=bench.anna.id, message_id=99)
    assert refusal == "Bad Request: message to copy not found"


async def test_floods_are_refused_with_the_time_to_wait(bench: Any) -> None:
    bench.api.flood = FloodControl(Limits(chat_burst=1), bench.clock.time())
    await bench.to_anna("sendMessage", text="a")
    assert await bench.refusal("sendMessage", chat_id=bench.anna.id, text="b") == "Too Many Requests: retry after 1"
    bench.clock.advance(1)
    await bench.to_anna("sendMessage", text="b")


async def test_a_mention_of_a_known_user_names_them(bench: Any) -> None:
    link = f'<a href="tg://user?id={bench.anna.id}">you</a> <a href="tg://user?id=1">nobody</a>'
    sent = await bench.to_anna("sendMessage", text=link, parse_mode="HTML")
    assert [entity["user"]["first_name"] for entity in sent["entities"]] == ["Anna"]
