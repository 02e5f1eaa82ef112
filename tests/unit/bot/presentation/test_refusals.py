"""What people are told when their pictures are used up is true of this bot and of their own plan."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from aiogram.types import InlineKeyboardMarkup

from bot.accounts.accounts import Account
from bot.accounts.credits import InsufficientCredits
from bot.accounts.tariff import Pack, Subscription, Tariff
from bot.intake.orders import AlbumTooLarge
from bot.presentation.answers import refusal
from bot.presentation.translations import Translations, Words

PACKS = (Pack(name="small", stars=50, credits=25),)
MONTHLY = Subscription(stars=250, daily=50)
SHOP = Tariff(free_daily=5, packs=PACKS, subscription=MONTHLY)
NO_SHOP = Tariff(free_daily=5, packs=(), subscription=None)

ANN = Account(
    id=1, language="en", plan="free", plus_until=None, banned=False, strength=1.0, as_file=False, keep_history=False,
)  # fmt: skip
SUBSCRIBER = replace(ANN, plan="plus")


@pytest.fixture(params=["en", "ru"])
def words(translations: Translations, request: pytest.FixtureRequest) -> Words:
    return translations.words(request.param)


def used_up(hours: float = 6.5) -> InsufficientCredits:
    return InsufficientCredits("No.", needed=1, available=0, quota_returns=time.time() + hours * 3600)


def labels(keyboard: InlineKeyboardMarkup | None) -> list[str]:
    return [] if keyboard is None else [button.text for row in keyboard.inline_keyboard for button in row]


def test_where_something_is_sold_more_can_be_had_now(words: Words) -> None:
    told = refusal(words, used_up(), SHOP, ANN)
    assert words.html("credits-for-sale") in told.text
    assert labels(told.keyboard) == [words.plain("button-plans")]


def test_where_nothing_is_sold_nobody_is_sent_to_a_shop(words: Words) -> None:
    told = refusal(words, used_up(), NO_SHOP, ANN)
    assert words.html("credits-for-sale") not in told.text
    assert words.html("credits-new-day", daily=5, hours=7) in told.text
    assert labels(told.keyboard) == []


def test_where_nothing_is_free_no_new_day_is_promised(words: Words) -> None:
    told = refusal(words, used_up(), SHOP.model_copy(update={"free_daily": 0}), ANN)
    assert told.text.split("\n") == [
        words.html("error-insufficient-credits", needed=1, available=0), words.html("credits-for-sale")
    ]  # fmt: skip


def test_a_subscriber_is_told_of_their_own_day_and_is_sold_no_second_subscription(words: Words) -> None:
    told = refusal(words, used_up(), SHOP.model_copy(update={"packs": ()}), SUBSCRIBER)
    assert words.html("credits-new-day", daily=50, hours=7) in told.text
    assert words.html("credits-for-sale") not in told.text
    assert labels(told.keyboard) == []


def test_a_day_about_to_begin_is_not_a_day_away(words: Words) -> None:
    assert words.html("credits-new-day", daily=5, hours=1) in refusal(words, used_up(0.01), NO_SHOP, ANN).text


@pytest.mark.parametrize(
    ("tariff", "account", "sold"),
    [
        (SHOP, ANN, True),
        (SHOP.model_copy(update={"subscription": None}), ANN, False),
        (SHOP, SUBSCRIBER, False),
        (SHOP.model_copy(update={"plus_album": SHOP.free_album}), ANN, False),
    ],
)
def test_larger_albums_are_to_be_had_with_a_subscription_only(
    words: Words, tariff: Tariff, account: Account, sold: bool
) -> None:
    told = refusal(words, AlbumTooLarge("No.", most=3, given=5), tariff, account)
    assert bool(labels(told.keyboard)) == sold
    assert (words.html("album-with-plus", most=10) in told.text) == sold
