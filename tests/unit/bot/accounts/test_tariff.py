"""The price list."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bot.accounts.tariff import Pack, Subscription, Tariff


def test_a_price_is_for_each_picture_or_face() -> None:
    tariff = Tariff(costs={"style": 1, "swap": 2})
    assert (tariff.cost("style"), tariff.cost("swap", 3)) == (1, 6)
    with pytest.raises(KeyError):
        tariff.cost("knitting")


def test_subscribers_have_more_every_day() -> None:
    tariff = Tariff(free_daily=3, subscription=Subscription(stars=100, daily=30), free_album=2, plus_album=8)
    assert (tariff.daily("free"), tariff.daily("plus")) == (3, 30)
    assert (tariff.album("free"), tariff.album("plus")) == (2, 8)


def test_a_subscription_taken_off_the_list_is_worth_the_free_quota() -> None:
    assert Tariff(free_daily=3, subscription=None).daily("plus") == 3


def test_sold_is_what_costs_credits_that_can_be_bought() -> None:
    costs = {"lookalike": 0, "swap": 0}
    assert Tariff(costs=costs).sold == {"style", "anonymize", "authenticity"}
    assert Tariff(costs=costs, packs=()).sold == {"style", "anonymize", "authenticity"}
    assert Tariff(costs=costs, packs=(), subscription=None).sold == set()


def test_a_feature_made_free_leaves_the_others_their_prices() -> None:
    tariff = Tariff(costs={"swap": 0})
    assert (tariff.cost("swap"), tariff.cost("style")) == (0, 1)


def test_a_price_for_what_there_is_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="no feature painting; there are style, swap"):
        Tariff(costs={"painting": 2})


@pytest.mark.parametrize(
    ("given", "free", "plus"),
    [({}, True, True), ({"packs": ()}, True, False), ({"packs": (), "subscription": None}, False, False)],
)
def test_something_is_for_sale_to_whoever_has_not_bought_it(given: dict[str, object], free: bool, plus: bool) -> None:
    tariff = Tariff.model_validate(given)
    assert (tariff.sells("free"), tariff.sells("plus")) == (free, plus)


@pytest.mark.parametrize(
    "packs",
    [
        (Pack(name="a", stars=1, credits=1), Pack(name="a", stars=2, credits=2)),
        (Pack(name="plus", stars=1, credits=1),),
    ],
)
def test_products_have_names_of_their_own(packs: tuple[Pack, ...]) -> None:
    with pytest.raises(ValidationError, match="names of their own"):
        Tariff(packs=packs)


@pytest.mark.parametrize("pack", [{"stars": 0}, {"stars": 100_001}, {"credits": 0}, {"name": "Two words"}])
def test_a_pack_that_telegram_or_reason_would_refuse_is_refused(pack: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Pack.model_validate({"name": "small", "stars": 50, "credits": 10} | pack)


def test_a_subscription_costs_at_most_what_telegram_allows() -> None:
    with pytest.raises(ValidationError):
        Subscription(stars=10_001, daily=5)
