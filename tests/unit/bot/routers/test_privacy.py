"""What is kept, and for how long, is told as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

# So that every table is known.
import bot.accounts.tables
import bot.delivery.tables
import bot.intake.tables  # noqa: F401
import serve_app.jobs.tables
import serve_app.rates  # noqa: F401
from bot.accounts.cashier import Renewal
from bot.presentation.translations import Translations
from bot.retention.erasure import Removal
from bot.routers.account import lasts, told
from serve_app.database import Base

DOCUMENT = Path(__file__).parents[4] / "docs" / "bot.md"


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


def test_the_document_says_of_every_table_with_people_in_it_how_long_they_are_kept() -> None:
    kept = DOCUMENT.read_text(encoding="utf-8").partition("## What is kept\n")[2].partition("\n## ")[0]
    whose = {"user_id", "owner", "pseudonym"}
    people = {table.name for table in Base.metadata.sorted_tables if whose & set(table.columns.keys())}
    assert {"jobs", "payments", "remnants"} <= people
    assert not {name for name in people | {"users"} if f"`{name}`" not in kept}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("payments", [0, 2])
def test_whoever_leaves_is_told_what_stays_and_whom_it_leads_to(
    translations: Translations, language: str, payments: int
) -> None:
    words = translations.words(language)
    removal = Removal(1, 1, 0, 0, Renewal.NONE, payments, 0, frozenset())
    text = told(words, removal)
    assert words.html("deleted-counts") in text
    assert (words.html("deleted-payments", payments=2) in text) is (payments > 0)
    # Whoever asks Telegram about a charge learns whose it was.
    assert words.html("deleted-payments", payments=2).count("Telegram") == 2
