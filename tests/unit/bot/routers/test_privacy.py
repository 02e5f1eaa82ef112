"""How long photos are kept is told as it is."""

from __future__ import annotations

import pytest

from bot.presentation.translations import Translations
from bot.routers.account import lasts


@pytest.mark.parametrize(
    ("time_s", "told"),
    [
        (45.0, "1 min"), (900.0, "15 min"), (3600.0, "1 h"), (5400.0, "90 min"), (43_200.0, "12 h"),
        (86_400.0, "one day"), (604_800.0, "7 days"),
    ],
)  # fmt: skip
def test_times_are_told_in_the_largest_unit_they_are_a_whole_number_of(
    translations: Translations, time_s: float, told: str
) -> None:
    assert lasts(translations.words("en"), time_s) == told


def test_russians_are_told_in_russian(translations: Translations) -> None:
    russian = translations.words("ru")
    assert [lasts(russian, days * 86_400) for days in (1, 3, 30)] == ["1 день", "3 дня", "30 дней"]
