"""How groups are told to speak to the bot."""

from __future__ import annotations

import pytest
from aiogram.types import User

from bot.conversation.replies import in_groups
from bot.presentation.translations import Translations


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("hears_all", [True, False, None])
def test_a_mention_is_asked_for_only_where_telegram_lets_the_bot_hear_it(
    translations: Translations, language: str, hears_all: bool | None
) -> None:
    me = User(id=1, is_bot=True, first_name="S", username="studio_bot", can_read_all_group_messages=hears_all)
    told = in_groups(translations.words(language), me)
    assert (" @studio_bot" in told) == bool(hears_all)
    assert ("/help@studio_bot" in told) != bool(hears_all)
