"""Buttons as telephones show them: what is longer than its button is cut off at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aiogram.types import InlineKeyboardMarkup

from bot.accounts.accounts import Account
from bot.accounts.tables import Identity
from bot.accounts.tariff import Subscription, Tariff
from bot.locales import LOCALES
from bot.presentation import keyboards
from bot.presentation.callbacks import MapFace, ShowArtworks
from bot.presentation.keyboards import HALF_A_ROW
from bot.presentation.translations import Translations, Words
from deployments.style.engine import StyleInfo
from deployments.swap.artworks import Artwork

A_ROW = 40
A_QUARTER = 8

STARTER = LOCALES.parents[1] / "registry" / "starter"
STYLES = [
    StyleInfo(style["name"], style["title"], "", 1900, "", b"")
    for style in json.loads(next(STARTER.glob("styles-classic/*/styles.json")).read_text(encoding="utf-8"))["styles"]
]
ANN = Account(
    id=1, language="en", plan="free", plus_until=None, banned=False, strength=1.0, as_file=False, keep_history=False,
)  # fmt: skip
FEATURES = frozenset({"style", "lookalike", "swap", "anonymize", "authenticity"})
FACES = [Identity(id=1, name="Mum"), Identity(id=2, name="Elizabeth when she was young")]
PEARL = Artwork(id="pearl", file="p.jpg", title="Girl with a Pearl", artist="V", year="1665", licence="CC0-1.0")
JOB = "0" * 32


@pytest.fixture(params=["en", "ru"])
def words(translations: Translations, request: pytest.FixtureRequest) -> Words:
    return translations.words(request.param)


def all_of_them(words: Words) -> Iterator[InlineKeyboardMarkup]:
    yield keyboards.wishes(words, 1, FEATURES, STYLES)  # type: ignore[arg-type]  # the features, by name
    yield keyboards.methods(words, 1)
    yield keyboards.painted(words, JOB, 1, single=True, as_file=False, blends=True, inline=True)
    yield keyboards.strengths(words, JOB, 1.0)
    yield keyboards.blends(words, JOB, STYLES)
    made = keyboards.made(words, JOB, 1, as_file=False, inline=True)
    assert made is not None
    yield made
    yield from (keyboards.home(words, swap=True, shop=shop) for shop in (True, False))
    yield keyboards.settings(words, ANN)
    yield keyboards.plans(words, Tariff(), replace(ANN, plan="plus"), renews=True)
    yield keyboards.plans(words, Tariff(), ANN, renews=False)
    yield keyboards.confirm_deletion(words, 1)
    yield keyboards.swap_sources(words, 1, FACES, artworks=True, faces=2)
    yield keyboards.swap_sources(words, 1, FACES, artworks=True, faces=1)
    yield keyboards.sources(words, MapFace(bundle=1, identity=0, sources=8, targets=8, chosen="1"))
    yield keyboards.artworks(words, ShowArtworks(bundle=1), [PEARL] * 11)
    yield keyboards.saved_faces(FACES, artworks=True)


def test_no_button_is_cut_off(words: Words) -> None:
    room = {1: A_ROW, 2: HALF_A_ROW, 4: A_QUARTER}
    for markup in all_of_them(words):
        for row in markup.inline_keyboard:
            assert [button.text for button in row if len(button.text) > room[len(row)]] == []


def test_styles_keep_their_order_and_long_titles_have_a_row_of_their_own(translations: Translations) -> None:
    markup = keyboards.wishes(translations.words("en"), 1, frozenset({"style"}), STYLES)
    assert [[button.text for button in row] for row in markup.inline_keyboard] == [
        ["The Starry Night", "The Scream"],
        ["The Great Wave off Kanagawa"],
        ["Composition VII"],
        ["Udnie (Young American Girl, The Dance)"],
    ]


def test_every_style_can_be_blended_in_as_far_as_telegram_has_buttons(translations: Translations) -> None:
    english = translations.words("en")
    for styles, offered in ((30, 30), (200, 99)):
        many = [StyleInfo(f"style-{n}", f"Style {n}", "", 1900, "", b"") for n in range(styles)]
        rows = keyboards.blends(english, JOB, many).inline_keyboard
        assert sum(len(row) for row in rows) == offered + 1
        assert rows[-1][0].text == english.plain("button-back")


def test_a_price_and_its_period_stand_where_nothing_is_cut_off(words: Words) -> None:
    tariff = Tariff(packs=(), subscription=Subscription(stars=10_000, daily=10_000))
    ((offer,),) = keyboards.plans(words, tariff, ANN, renews=False).inline_keyboard
    assert offer.text.startswith(words.plain("button-subscribe", daily=1, stars=10_000).partition(":")[0])
    assert len(offer.text.partition(":")[0]) <= HALF_A_ROW


def test_faces_with_long_names_are_told_apart_before_one_is_deleted() -> None:
    markup = keyboards.saved_faces(FACES, artworks=True)
    assert [[button.text for button in row] for row in markup.inline_keyboard] == [
        ["🖼 Mum", "🗑 Mum"],
        ["🖼 Elizabeth when she was young"],
        ["🗑 Elizabeth when she was young"],
    ]


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.75, 1.0])
def test_one_strength_is_marked(words: Words, strength: float) -> None:
    row = keyboards.strengths(words, JOB, strength).inline_keyboard[0]
    assert [button.text for button in row if button.text.startswith("•")] == [f"• {strength:.0%}".replace("%", " %")]
