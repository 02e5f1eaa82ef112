"""HTML in messages: what Telegram's parser takes, and where it says that it cannot go on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

_ENTITY_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
}
_SPACE = b" \t\r\n\0\x0b"
_CHARACTER_REFERENCE = re.compile(rb"&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot)(?![a-zA-Z]));?")
_NAMED = {b"lt": "<", b"gt": ">", b"amp": "&", b"quot": '"'}
_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


class MarkupError(ValueError):
    """The text is not what Telegram calls HTML. Positions count bytes of UTF-8."""


@dataclass(slots=True)
class _Open:
    tag: str
    argument: str
    start: int
    characters: int


def utf16_length(text: str) -> int:
    """The length as Telegram counts it: in UTF-16 code units."""
    return len(text) + sum(ord(character) > 0xFFFF for character in text)


def parse_html(source: str) -> tuple[str, list[dict[str, Any]]]:
    """The text without markup and its entities, outermost first; raises `MarkupError`."""
    return _HtmlParser(source.encode()).parse()


def checked_link(url: str) -> str:
    """The address as Telegram keeps it in a link, or "" if it would drop the link and keep the words."""
    candidate = url.strip()
    if not candidate or any(character.isspace() for character in candidate):
        return ""
    if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", candidate):
        candidate = f"http://{candidate}"
    try:
        parts = urlsplit(candidate)
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme in {"http", "https"}:
        return f"{candidate}/" if not parts.path and not parts.query and "." in host else candidate * ("." in host)
    return candidate if parts.scheme in {"tg", "ton", "mailto", "tel"} else ""


class _HtmlParser:
    def __init__(self, source: bytes) -> None:
        self._source = source
        self._at = 0
        self._text: list[str] = []
        self._characters = 0
        self._length = 0
        self._open: list[_Open] = []
        self._entities: list[dict[str, Any]] = []

    def parse(self) -> tuple[str, list[dict[str, Any]]]:
        while self._at < len(self._source):
            if self._source[self._at : self._at + 2] == b"</":
                self._end_tag()
            elif self._source[self._at] == ord("<"):
                self._start_tag()
            elif self._source[self._at] == ord("&"):
                self._add(self._reference() or self._literal("&"))
            else:
                stop = re.compile(rb"[<&]").search(self._source, self._at)
                end = stop.start() if stop else len(self._source)
                self._add(self._source[self._at : end].decode())
                self._at = end
        if self._open:
            raise MarkupError(f"Can't find end tag corresponding to start tag {self._open[-1].tag}")
        for entity in self._entities:
            if entity["type"] == "code":
                entity.pop("language", None)
        self._entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self._text), self._entities

    def _add(self, text: str) -> None:
        self._text.append(text)
        self._characters += len(text)
        self._length += utf16_length(text)

    def _literal(self, character: str) -> str:
        self._at += 1
        return character

    def _reference(self) -> str:
        found = _CHARACTER_REFERENCE.match(self._source, self._at)
        if found is None:
            return ""
        hexadecimal, decimal, name = found.groups()
        if name:
            self._at = found.end()
            return _NAMED[name]
        code = int(hexadecimal, 16) if hexadecimal else int(decimal)
        if code == 0 or code >= _LAST_CODE_POINT:
            return ""
        if code in _SURROGATES:
            raise MarkupError(
                "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched "
                "surrogate code units"
            )
        self._at = found.end()
        return chr(code)

    def _take_while_not(self, stops: bytes) -> bytes:
        begin = self._at
        while self._at < len(self._source) and self._source[self._at] not in stops:
            self._at += 1
        return self._source[begin : self._at]

    def _skip_space(self) -> None:
        while self._at < len(self._source) and self._source[self._at] in _SPACE:
            self._at += 1

    def _peek(self) -> bytes:
        return self._source[self._at : self._at + 1]

    def _start_tag(self) -> None:
        begin = self._at
        self._at += 1
        tag = self._take_while_not(_SPACE + b">").decode().lower()
        if not self._peek():
            raise MarkupError(f"Unclosed start tag at byte offset {begin}")
        if tag not in _ENTITY_TYPES:
            raise MarkupError(f'Unsupported start tag "{tag}" at byte offset {begin}')
        argument = ""
        self._skip_space()
        while self._peek() != b">":
            name, value = self._attribute(tag, begin)
            argument = _argument(tag, name, value) or argument
            self._skip_space()
        self._at += 1
        if tag == "span" and argument != "spoiler":
            raise MarkupError(f'Tag "span" must have class "tg-spoiler" at byte offset {begin}')
        self._open.append(_Open(tag, argument, self._length, self._characters))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        name = self._take_while_not(_SPACE + b"=>").decode()
        if not name:
            if not self._peek():
                raise MarkupError(f"Unclosed start tag at byte offset {begin}")
            raise MarkupError(f'Empty attribute name in the tag "{tag}" at byte offset {begin}')
        self._skip_space()
        if self._peek() != b"=":
            if tag == "blockquote" and name == "expandable" and self._peek():
                return name, name
            raise MarkupError(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}" at byte offset {begin}'
            )
        self._at += 1
        self._skip_space()
        if not self._peek():
            raise MarkupError(f'Unclosed start tag "{tag}" at byte offset {begin}')
        value = self._quoted() if self._peek() in {b'"', b"'"} else self._name_token()
        if not self._peek():
            raise MarkupError(f"Unclosed start tag at byte offset {begin}")
        return name, value

    def _name_token(self) -> str:
        begin = self._at
        token = re.compile(rb"[A-Za-z0-9.-]*").match(self._source, self._at)
        self._at = token.end() if token else self._at
        if self._peek() and self._peek() not in _SPACE + b">":
            raise MarkupError(f"Unexpected end of name token at byte offset {begin}")
        return self._source[begin : self._at].decode().lower()

    def _quoted(self) -> str:
        quote = self._source[self._at]
        self._at += 1
        value = []
        while self._at < len(self._source) and self._source[self._at] != quote:
            if self._peek() == b"&":
                value.append(self._reference() or self._literal("&"))
            else:
                value.append(self._take_while_not(bytes([quote]) + b"&").decode())
        self._at += 1
        return "".join(value)

    def _end_tag(self) -> None:
        begin = self._at
        if not self._open:
            raise MarkupError(f"Unexpected end tag at byte offset {begin}")
        self._at += 2
        name = self._take_while_not(_SPACE + b">").decode().lower()
        self._skip_space()
        if self._peek() != b">":
            raise MarkupError(f"Unclosed end tag at byte offset {begin}")
        self._at += 1
        opened = self._open[-1]
        if name and name != opened.tag:
            raise MarkupError(
                f'Unmatched end tag at byte offset {begin}, expected "</{opened.tag}>", found "</{name}>"'
            )
        self._open.pop()
        if self._length > opened.start:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        entity: dict[str, Any] = {
            "type": _ENTITY_TYPES[opened.tag],
            "offset": opened.start,
            "length": self._length - opened.start,
        }
        before = self._entities[-1] if self._entities else None
        same_span = before is not None and all(before[key] == entity[key] for key in ("offset", "length"))
        match opened.tag:
            case "a":
                words = "".join(self._text)[opened.characters :]
                if not _complete_link(entity, opened.argument or words):
                    return
            case "tg-emoji":
                if not opened.argument.isdigit() or int(opened.argument) == 0:
                    raise MarkupError("Invalid custom emoji identifier specified")
                entity["custom_emoji_id"] = opened.argument
            case "pre" if before is not None and same_span and before["type"] == "code" and "language" in before:
                before["type"] = "pre"
                return
            case "code" if before is not None and same_span and before["type"] == "pre" and opened.argument:
                before["language"] = opened.argument
                return
            case "code" if opened.argument:
                entity["language"] = opened.argument
            case "blockquote" if opened.argument:
                entity["type"] = "expandable_blockquote"
            case _:
                pass
        self._entities.append(entity)


def _argument(tag: str, name: str, value: str) -> str:
    match tag, name:
        case ("a", "href") | ("tg-emoji", "emoji-id") | ("blockquote", "expandable"):
            return value
        case ("code", "class") if value.startswith("language-"):
            return value.removeprefix("language-")
        case ("span", "class") if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case _:
            return ""


def _complete_link(entity: dict[str, Any], url: str) -> bool:
    parts = urlsplit(url) if url.startswith("tg:") else None
    user_id = parse_qs(parts.query).get("id", [""])[0] if parts and parts.netloc == "user" else ""
    if user_id.isdigit():
        entity |= {"type": "text_mention", "user_id": int(user_id)}
        return True
    link = checked_link(url)
    entity["url"] = link
    return bool(link)
