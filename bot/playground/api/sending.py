"""Methods that put something new into a chat."""

from __future__ import annotations

import secrets
from typing import Any

from bot.playground.api.call import Call, as_number
from bot.playground.api.keyboards import checked_markup
from bot.playground.api.media import caption_in, input_media, media_kind, single_media
from bot.playground.api.registry import BotApi, method
from bot.playground.telegram.errors import ApiError, bad_request
from bot.playground.telegram.files import Kind
from bot.playground.telegram.model import Chat, Event, Json, Message
from bot.playground.telegram.text import MAX_TEXT, FormattedText, format_text

_ALBUM = range(2, 11)
_ACTIONS = {
    "cancel",
    "typing",
    "record_video",
    "upload_video",
    "record_audio",
    "record_voice",
    "upload_audio",
    "upload_voice",
    "upload_photo",
    "upload_document",
    "choose_sticker",
    "pick_up_location",
    "find_location",
    "record_video_note",
    "upload_video_note",
}
_NOT_COPIED = {"successful_payment", "refunded_payment", "invoice", "new_chat_members"}


def message_text(call: Call) -> FormattedText:
    """The text of sendMessage and editMessageText; raises `ApiError`."""
    if not call.text("text"):
        raise bad_request("Message text is empty")
    text = format_text(call.text("text"), call.text("parse_mode"))
    if not text.text:
        raise bad_request("text must be non-empty")
    if text.length > MAX_TEXT:
        raise bad_request("message is too long")
    return text


def _replied_to(call: Call, chat: Chat) -> Message | None:
    reply = call.json("reply_parameters", "reply parameters") or {
        "message_id": call.text("reply_to_message_id"),
        "allow_sending_without_reply": call.flag("allow_sending_without_reply"),
    }
    if not isinstance(reply, dict):
        raise bad_request("Object expected as reply parameters")
    message_id = as_number(reply.get("message_id"))
    if message_id <= 0:
        return None
    target = chat.messages.get(message_id)
    if target is None and not reply.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return target


async def send(api: BotApi, call: Call, content: Json, **details: Any) -> Message:
    """Check what every sending method shares, count the message, post it."""
    for_invoice = details.get("invoice") is not None
    markup = checked_markup(call.json("reply_markup", "reply keyboard markup"), for_invoice=for_invoice)
    if for_invoice and markup is None:
        markup = {"inline_keyboard": [[{"text": f"Pay ⭐️{details['invoice'].total}", "pay": True}]]}
    chat = api.telegram.writable_chat(call.text("chat_id"))
    reply_to = _replied_to(call, chat)
    api.admit(chat)
    return api.telegram.post(chat, None, content, reply_markup=markup, reply_to=reply_to, **details)


@method("sendMessage")
async def send_message(api: BotApi, call: Call) -> Json:
    text = message_text(call)
    return (await send(api, call, text.fields("text"))).json()


async def _send_file(api: BotApi, call: Call, kind: Kind) -> Json:
    # Where it may not write, the server does not take the file either.
    api.telegram.writable_chat(call.text("chat_id"))
    content = await single_media(api, call, kind)
    return (await send(api, call, content)).json()


@method("sendPhoto")
async def send_photo(api: BotApi, call: Call) -> Json:
    return await _send_file(api, call, "photo")


@method("sendDocument")
async def send_document(api: BotApi, call: Call) -> Json:
    return await _send_file(api, call, "document")


@method("sendMediaGroup")
async def send_media_group(api: BotApi, call: Call) -> list[Json]:
    call.required("media")
    items = call.json("media", "media")
    if not isinstance(items, list):
        raise bad_request("Expected an Array of InputMedia")
    if len(items) < _ALBUM.start:
        raise bad_request("Too few messages to send as an album")
    if len(items) >= _ALBUM.stop:
        raise bad_request("Too many messages to send as an album")
    chat = api.telegram.writable_chat(call.text("chat_id"))
    contents = [await _album_item(api, call, number, item) for number, item in enumerate(items, start=1)]
    kinds = {media_kind(content) for content in contents}
    for kind in ("document", "audio"):
        if kind in kinds and len(kinds) > 1:
            raise bad_request(f"{kind} can't be mixed with other media types")
    reply_to = _replied_to(call, chat)
    api.admit(chat, len(contents))
    group = str(secrets.randbits(60))
    sent = [
        api.telegram.post(chat, None, content, media_group_id=group, reply_to=reply_to if number == 0 else None)
        for number, content in enumerate(contents)
    ]
    return [message.json() for message in sent]


async def _album_item(api: BotApi, call: Call, number: int, item: Any) -> Json:
    try:
        return await input_media(api, call, item)
    except ApiError as error:
        reason = error.description.removeprefix("Bad Request: ")
        if reason not in {"PHOTO_INVALID_DIMENSIONS", "IMAGE_PROCESS_FAILED"}:
            raise
        # Found out only after the upload, so the server says which of them it was.
        raise bad_request(f'Failed to send message #{number} with the error message "{reason}"') from error


@method("sendChatAction")
async def send_chat_action(api: BotApi, call: Call) -> bool:
    action = call.text("action").lower()
    if action not in _ACTIONS:
        raise bad_request("Wrong parameter action in request")
    chat = api.telegram.writable_chat(call.text("chat_id"))
    api.telegram.tell(Event("chat_action", chat.id, details={"action": action}))
    return True


def _source(api: BotApi, call: Call, purpose: str) -> Message:
    chat = api.telegram.chat(call.required("from_chat_id"))
    return api.telegram.message(chat, call.integer("message_id"), purpose)


@method("copyMessage")
async def copy_message(api: BotApi, call: Call) -> Json:
    source = _source(api, call, "message to copy")
    if source.content.keys() & _NOT_COPIED:
        raise bad_request("the message can't be copied")
    content = dict(source.content)
    if "caption" in call.args and media_kind(content):
        content = {key: value for key, value in content.items() if not key.startswith("caption")}
        content |= caption_in(call).fields("caption")
    return {"message_id": (await send(api, call, content)).id}
