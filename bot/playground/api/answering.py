"""Methods that answer what people ask of the bot: callback, inline and pre-checkout queries."""

from __future__ import annotations

from typing import Any, cast

from bot.playground.api.call import Call
from bot.playground.api.keyboards import checked_markup
from bot.playground.api.media import asset_of, caption_of
from bot.playground.api.registry import BotApi, method
from bot.playground.telegram.errors import bad_request
from bot.playground.telegram.files import Kind
from bot.playground.telegram.model import Json
from bot.playground.telegram.text import MAX_TEXT, format_text

_MAX_ANSWER = 200
_MAX_RESULTS = 50
_MAX_RESULT_ID = 64
_CACHED: dict[str, str] = {
    "photo": "photo_file_id",
    "document": "document_file_id",
    "gif": "gif_file_id",
    "video": "video_file_id",
    "voice": "voice_file_id",
    "audio": "audio_file_id",
    "sticker": "sticker_file_id",
}


@method("answerCallbackQuery")
async def answer_callback_query(api: BotApi, call: Call) -> bool:
    text = call.text("text")
    if len(text) > _MAX_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    answer = {"text": text, "show_alert": call.flag("show_alert"), "url": call.text("url")}
    api.interactions.answer_tap(call.text("callback_query_id"), answer)
    return True


@method("answerPreCheckoutQuery")
async def answer_pre_checkout_query(api: BotApi, call: Call) -> bool:
    ok = call.flag("ok")
    message = "" if ok else call.required("error_message")
    api.cashier.answer(call.text("pre_checkout_query_id"), ok=ok, error_message=message)
    return True


@method("answerInlineQuery")
async def answer_inline_query(api: BotApi, call: Call) -> bool:
    results = call.json("results", "inline query results") or []
    if not isinstance(results, list):
        raise bad_request("Expected an Array of inline query results")
    if len(results) > _MAX_RESULTS:
        raise bad_request("Too many inline query results specified")
    checked = [await inline_result(api, result) for result in results]
    if len({result["id"] for result in checked}) < len(checked):
        raise bad_request("RESULT_ID_DUPLICATE")
    answer = {"results": checked, "button": call.json("button", "inline query results button")}
    api.interactions.answer_inline(call.text("inline_query_id"), answer)
    return True


async def inline_result(api: BotApi, result: Any) -> Json:
    """An InlineQueryResult with the content of the message it stands for; raises `ApiError`."""
    if not isinstance(result, dict):
        raise bad_request("Can't parse inline query result: Inline query result must be an object")
    for name in ("type", "id"):
        if not result.get(name):
            raise bad_request(f"Can't parse inline query result: Can't find field \"{name}\"")
    kind, result_id = str(result["type"]).lower(), str(result["id"])
    if len(result_id.encode()) > _MAX_RESULT_ID:
        raise bad_request("RESULT_ID_INVALID")
    markup = checked_markup(result.get("reply_markup"), inline_only=True)
    shown = {name: result[name] for name in ("title", "description") if result.get(name)}
    content = await _content(api, kind, result)
    return {"id": result_id, "type": kind, "content": content, "reply_markup": markup, **shown}


async def _content(api: BotApi, kind: str, result: Json) -> Json:
    written = result.get("input_message_content")
    if isinstance(written, dict):
        text = format_text(str(written.get("message_text") or ""), str(written.get("parse_mode") or ""))
        if not text.text:
            raise bad_request("Can't parse inline query result: Input message content is not specified")
        if text.length > MAX_TEXT:
            raise bad_request("message is too long")
        return text.fields("text")
    if kind == "article":
        raise bad_request("Can't parse inline query result: Can't find field \"message_text\"")
    if kind not in _CACHED:
        raise bad_request("Can't parse inline query result: Unsupported type of inline query result")
    source = result.get(_CACHED[kind]) or result.get(f"{kind}_url")
    if not source:
        raise bad_request(f"Can't parse inline query result: Can't find field \"{_CACHED[kind]}\"")
    asset = await asset_of(api, str(source), cast("Kind", "animation" if kind == "gif" else kind))
    caption = caption_of(result.get("caption"), result.get("parse_mode"))
    return asset.content() | caption.fields("caption")
