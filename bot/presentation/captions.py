"""What captions ask for: a style by its name, or a feature in the words that the locale files list for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.presentation.catalogue import Catalogue, Feature
from bot.presentation.translations import Translations
from deployments.anonymize.types import Method
from deployments.style.engine import StyleInfo

FEATURES: tuple[Feature, ...] = ("lookalike", "anonymize", "swap", "authenticity")

SEPARATOR = "|"

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Understood:
    """A feature, and what goes with it: the ``style`` to paint in, the ``method`` to hide faces with."""

    feature: Feature
    style: StyleInfo | None = None
    method: Method | None = None


class Captions:
    """Understands captions in every language at once: people mix them.

    A locale's ``caption-<feature>`` lists phrases, separated by ``|``. A phrase is found when its words stand side by
    side in the caption; ``*`` at the end of a word stands for any ending, by itself for any word. ``caption-style-<name>``
    lists those for a style, beside its name and its titles. Most of these are words of every day as well, so a style is asked
    for where little is said beside it (``caption-beside``), or a word that orders (``caption-paint``).
    """

    def __init__(self, translations: Translations, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._translations = translations
        self._languages = tuple(translations.languages.values())
        self._features = {name: _pattern(translations, f"caption-{name}") for name in FEATURES}
        self._styles: dict[str, re.Pattern[str]] = {}
        self._orders, self._little = (_pattern(translations, f"caption-{key}") for key in ("paint", "beside"))
        self._methods = {method: _pattern(translations, f"caption-{method}") for method in Method}

    async def understand(self, caption: str) -> Understood | None:
        """The one thing a caption asks for; None when that is nothing, or more than one thing."""
        style = await self._style_in(caption)
        named = [name for name in _found(self._features, caption) if name in self._catalogue.features]
        if style is not None:
            return Understood("style", style=style) if not named and self._asks_for(caption, style) else None
        if len(named) != 1:
            return None
        methods = _found(self._methods, caption) if named[0] == "anonymize" else []
        return Understood(named[0], method=methods[0] if len(methods) == 1 else None)

    async def _style_in(self, caption: str) -> StyleInfo | None:
        """The style a caption names or describes; None for none, and for several."""
        spoken = f" {_bare(caption)} "
        found = [
            style
            for style in await self._catalogue.styles()
            if any(f" {name} " in spoken for name in self._names(style)) or self._describes(caption, style)
        ]
        return found[0] if len(found) == 1 else None

    def _names(self, style: StyleInfo) -> set[str]:
        """Its name and its titles in every language, in bare words."""
        titles = (words.title(style.name, style.title) for words in self._languages)
        return {_bare(name) for name in (style.name, style.title, *titles)}

    def _asks_for(self, caption: str, style: StyleInfo) -> bool:
        """Whether a caption that speaks of a style asks for it, and does not merely tell of the photo."""
        called = [rf"\b{name}\b" for name in sorted(filter(None, self._names(style)), key=len, reverse=True)]
        if self._describes(caption, style):
            called.append(self._styles[f"caption-style-{style.name}"].pattern)
        beside = re.sub("|".join(called), " ", _bare(caption), flags=re.IGNORECASE)
        return self._orders.search(beside) is not None or not self._little.sub(" ", beside).strip()

    def _describes(self, caption: str, style: StyleInfo) -> bool:
        """Whether a caption has a phrase for this style, and it is the one that the translators know by its name."""
        key = f"caption-style-{style.name}"
        if not all(words.knows(key) and words.knows_style(style.name, style.title) for words in self._languages):
            return False
        if key not in self._styles:
            self._styles[key] = _pattern(self._translations, key)
        return self._styles[key].search(caption) is not None


def _found(patterns: Mapping[Key, re.Pattern[str]], caption: str) -> list[Key]:
    return [key for key, pattern in patterns.items() if pattern.search(caption)]


def _bare(text: str) -> str:
    """The words of a text and nothing else, one blank apart; few people type the dots of a ``ё``."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold().replace("ё", "е")))


def _pattern(translations: Translations, key: str) -> re.Pattern[str]:
    """The phrases of all languages as one expression."""
    phrases = {
        phrase.strip() for words in translations.languages.values() for phrase in words.plain(key).split(SEPARATOR)
    }
    longest_first = sorted(filter(None, phrases), key=lambda phrase: (-len(phrase), phrase))
    return re.compile("|".join(_phrase(phrase.split()) for phrase in longest_first), re.IGNORECASE)


def _phrase(words: Iterable[str]) -> str:
    ending = r"\w*"
    return (
        r"\b"
        + r"\W+".join(re.escape(word.rstrip("*")) + (ending if word.endswith("*") else "") for word in words)
        + r"\b"
    )
