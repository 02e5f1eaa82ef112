"""The bot's words, read once."""

from __future__ import annotations

import pytest

from bot.presentation.translations import Translations


@pytest.fixture(scope="session")
def translations() -> Translations:
    return Translations.load()
