"""Text as messages carry it: cleaned, measured in UTF-16 units, with its entities found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from bot.playground.telegram.errors import bad_request
from bot.playground.telegram.markup import MarkupError, parse_html, utf16_length

MAX_TEXT = 4096
MAX_CAPTION = 1024
_MAX_BYTES = 1 << 15
_VERBATIM = {"code", "pre", "text_link", "text_mention", "custom_emoji"}
# In this order: what a longer pattern covered, a shorter one no longer finds.
_PATTERNS = (
    ("url", re.compile(r"(?:https?://|www\.|\bt\.me/)[^\s<>\"]*[^\s<>\".,!?:;)\]}'»]", re.IGNORECASE)),
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}\b")),
    ("bot_command", re.compile(r"(?<![\w/@<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{2,31})?(?![\w/@])", re.ASCII)),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z]\w{2,31}\b", re.ASCII)),
    ("hashtag", re.compile(r"(?<![\w#&])#(?=\w*[^\W\d])\w{1,256}")),
)


@dataclass(frozen=True, slots=True)
class FormattedText:
    """Text and its entities, in the Bot API's form."""

    text: str = ""
    entities: tuple[dict[str, Any], ...] = field(default=())

    @property
    def length(self) -> int:
        return utf16_length(self.text)

    def fields(self, name: str) -> dict[str, Any]:
        """The message's fields: ``text`` and ``entities``, or ``caption`` and ``caption_entities``."""
        if not self.text:
            return {}
        entities_name = "entities" if name == "text" else f"{name}_entities"
        return {name: self.text, **({entities_name: list(self.entities)} if self.entities else {})}


def format_text(text: str, parse_mode: str = "") -> FormattedText:
    """What the server makes of a text a bot or a person sends; raises `ApiError` in its words.

    HTML is the one ``parse_mode`` understood here.
    """
    if len(text.encode(errors="replace")) > _MAX_BYTES:
        raise bad_request("Text is too long")
    text = _without_control_characters(text)
    given: list[dict[str, Any]] = []
    if text and parse_mode and parse_mode.lower() != "none":
        if parse_mode.lower() != "html":
            raise bad_request("Unsupported parse_mode (this local server reads HTML)")
        try:
            text, given = parse_html(text)
        except MarkupError as error:
            raise bad_request(f"Can't parse entities: {error}") from error
    return _trimmed(text, given)


def find_entities(text: str, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Commands, mentions, links and tags, outside of what is already verbatim or a link."""
    position = _utf16_positions(text)
    taken = [(e["offset"], e["offset"] + e["length"]) for e in given if e["type"] in _VERBATIM]
    found = []
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            begin, end = position[match.start()], position[match.end()]
            if all(end <= low or high <= begin for low, high in taken):
                found.append({"type": kind, "offset": begin, "length": end - begin})
                taken.append((begin, end))
    return sorted([*given, *found], key=lambda entity: (entity["offset"], -entity["length"]))


def entity_text(text: str, entity: dict[str, Any]) -> str:
    """The words an entity covers."""
    raw = text.encode("utf-16-le", "surrogatepass")
    begin = entity["offset"] * 2
    return raw[begin : begin + entity["length"] * 2].decode("utf-16-le", "surrogatepass")


def _without_control_characters(text: str) -> str:
    # Lone surrogates can arrive as JSON escapes; they are not text.
    cleaned = text.replace("\r", "").encode("utf-8", "replace").decode()
    return "".join(" " if character < " " and character != "\n" else character for character in cleaned)


def _utf16_positions(text: str) -> list[int]:
    positions = [0]
    for character in text:
        positions.append(positions[-1] + 1 + (ord(character) > 0xFFFF))
    return positions


def _trimmed(text: str, given: list[dict[str, Any]]) -> FormattedText:
    start = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    length = utf16_length(text)
    kept = []
    for entity in given:
        begin = max(entity["offset"] - start, 0)
        end = min(entity["offset"] + entity["length"] - start, length)
        if begin < end:
            kept.append(entity | {"offset": begin, "length": end - begin})
    return FormattedText(text, tuple(find_entities(text, kept)))
