"""Files in requests: uploads and identifiers become what a message shows."""

from __future__ import annotations

import asyncio
import mimetypes
from typing import Any, cast

from bot.playground.api.call import Call, Upload
from bot.playground.api.registry import BotApi
from bot.playground.telegram.errors import ApiError, bad_request
from bot.playground.telegram.files import MAX_UPLOAD, Asset, Kind
from bot.playground.telegram.model import Json
from bot.playground.telegram.text import MAX_CAPTION, FormattedText, format_text

_KINDS = {"photo", "document", "video", "animation", "audio"}


def caption_of(text: Any, parse_mode: Any) -> FormattedText:
    """A caption; raises `ApiError` above 1,024 characters."""
    caption = format_text(str(text or ""), str(parse_mode or ""))
    if caption.length > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return caption


def caption_in(call: Call) -> FormattedText:
    """The caption of a method that sends one file."""
    return caption_of(call.text("caption"), call.text("parse_mode"))


async def asset_of(api: BotApi, source: Upload | str, kind: Kind) -> Asset:
    """Take an upload or find what a file identifier means; raises `ApiError`."""
    files = api.telegram.files
    if isinstance(source, str):
        # Identifiers have no dots, addresses do. This server reaches no other.
        if "." in source:
            raise bad_request("failed to get HTTP URL content")
        return files.reuse(source, kind)
    if len(source.data) > MAX_UPLOAD:
        raise ApiError(413, "Request Entity Too Large")
    if kind == "photo":
        return await asyncio.to_thread(files.add_photo, source.data)
    mime = mimetypes.guess_type(source.name or "")[0] or source.mime or "application/octet-stream"
    return await asyncio.to_thread(files.add_file, kind, source.data, name=source.name, mime=mime)


async def single_media(api: BotApi, call: Call, kind: Kind) -> Json:
    """The content of a method such as sendPhoto, whose file is the argument of that name."""
    source = call.file(kind)
    if source is None:
        raise bad_request(f"There is no {kind} in the request")
    caption = caption_in(call)
    content = (await asset_of(api, source, kind)).content() | caption.fields("caption")
    return content | _presentation(
        spoiler=call.flag("has_spoiler"), above=call.flag("show_caption_above_media") and bool(caption.text)
    )


async def input_media(api: BotApi, call: Call, item: Any) -> Json:
    """The content an InputMedia object of an album stands for; raises `ApiError`."""
    if not isinstance(item, dict):
        raise _unparsable("expected an Object")
    caption = caption_of(item.get("caption"), item.get("parse_mode"))
    source = call.file("", str(item.get("media") or ""))
    if source is None:
        raise _unparsable("media not found")
    kind = item.get("type")
    if not isinstance(kind, str):
        raise _unparsable('Can\'t find field "type"')
    if kind not in _KINDS:
        raise _unparsable(f'type "{kind}" is unsupported')
    if kind == "animation":
        raise _unparsable(f'type "{kind}" can\'t be used in sendMediaGroup')
    content = (await asset_of(api, source, cast("Kind", kind))).content() | caption.fields("caption")
    above = bool(item.get("show_caption_above_media")) and bool(caption.text)
    return content | _presentation(spoiler=bool(item.get("has_spoiler")), above=above)


def media_kind(content: Json) -> str | None:
    """Which kind of file a message shows, or None for none."""
    return next((kind for kind in (*_KINDS, "voice", "video_note", "sticker") if kind in content), None)


def _presentation(*, spoiler: bool, above: bool) -> Json:
    shown: Json = {}
    if spoiler:
        shown["has_media_spoiler"] = True
    if above:
        shown["show_caption_above_media"] = True
    return shown


def _unparsable(problem: str) -> ApiError:
    return bad_request(f"Can't parse InputMedia: {problem}")
