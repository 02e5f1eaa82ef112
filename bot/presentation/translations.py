"""The bot's words in every language of ``bot/locales``."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fluent.runtime import FluentBundle, FluentResource

from bot.locales import LOCALES

ORIGINAL = "en"
"""The language of the titles in packs of styles."""

PER_CENT = re.compile(r"(?<=\d) %")

TOGETHER = "\u202f%"
"""A narrow space that no line ends at: a telephone's line is short, and a sign alone on the next one says nothing."""


class Words:
    """One language's messages."""

    def __init__(self, language: str, bundle: FluentBundle, original: Words | None = None) -> None:
        """``original`` is the language that packs of styles are written in."""
        self.language = language
        self._bundle = bundle
        self._original = original or self

    def html(self, key: str, /, **values: str | float) -> str:
        """A message for parse mode HTML: the message may hold markup, the values never do."""
        escaped = {name: html.escape(value) if isinstance(value, str) else value for name, value in values.items()}
        return PER_CENT.sub(TOGETHER, self._format(key, escaped))

    def plain(self, key: str, /, **values: str | float) -> str:
        """A message without markup, as buttons, answers to taps and invoices show it."""
        return self._format(key, values)

    def title(self, name: str, title: str) -> str:
        """What a style is called in this language (plain text): its own title where no translator has met it.

        A pack of the operator's may give a name we know to something else, which then keeps its own title.
        """
        return self.plain(f"style-{name}") if self.knows_style(name, title) else title

    def knows_style(self, name: str, title: str) -> bool:
        """Whether the style that translators met under this name is the one with this ``title``."""
        key = f"style-{name}"
        return self.knows(key) and self._original.knows(key) and self._original.plain(key) == title

    def knows(self, key: str) -> bool:
        """Whether there is such a message."""
        return bool(self._bundle.has_message(key))

    def _format(self, key: str, values: Mapping[str, Any]) -> str:
        message = self._bundle.get_message(key)
        if message.value is None:
            raise LookupError(f"{self.language}: {key} has no text")
        text, errors = self._bundle.format_pattern(message.value, dict(values))
        if errors:
            raise LookupError(f"{self.language}: {key}: {errors[0]}")
        return str(text)


@dataclass(frozen=True, slots=True)
class Translations:
    """Every language there is, by its two letters; ``default`` speaks to everybody else."""

    languages: Mapping[str, Words]
    default: str

    @classmethod
    def load(cls, default: str = "en", folder: Path = LOCALES) -> Translations:
        """Read the folder. Raises ``LookupError`` when there is no file for the default language."""
        languages: dict[str, Words] = {}
        for path in sorted(folder.glob("*.ftl"), key=lambda path: (path.stem != ORIGINAL, path.stem)):
            bundle = FluentBundle([path.stem], use_isolating=False)
            bundle.add_resource(FluentResource(path.read_text(encoding="utf-8")))
            languages[path.stem] = Words(path.stem, bundle, languages.get(ORIGINAL))
        if default not in languages:
            raise LookupError(f"there is no locale {default!r}; there are {', '.join(languages)}")
        return cls(languages, default)

    def best(self, code: str | None) -> str:
        """The language to speak to somebody whose Telegram says ``code``, such as ``ru-RU``."""
        letters = (code or "").lower().partition("-")[0]
        return letters if letters in self.languages else self.default

    def words(self, code: str | None) -> Words:
        """The words for that."""
        return self.languages[self.best(code)]
