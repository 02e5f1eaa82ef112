"""The bot's words: one Fluent file per language. Adding a language is adding a file."""

from __future__ import annotations

from pathlib import Path

LOCALES = Path(__file__).parent


def languages() -> list[str]:
    """The languages there are, by their two letters."""
    return sorted(path.stem for path in LOCALES.glob("*.ftl"))
