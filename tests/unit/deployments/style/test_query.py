from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import InvalidField
from deployments.imaging import Photo
from deployments.style.query import MAX_STYLES, StyleQuery

PHOTO = Photo(b"", "image/png", 1, 1, "")


def test_a_bare_name_weighs_one() -> None:
    assert StyleQuery.parse(PHOTO, ["wave"]).weights == (("wave", 1.0),)


def test_weights_follow_a_colon_and_may_be_surrounded_by_blanks() -> None:
    assert StyleQuery.parse(PHOTO, [" wave : 2", "udnie:0.5"]).weights == (("wave", 2.0), ("udnie", 0.5))


def test_several_styles_may_stand_in_one_text() -> None:
    assert StyleQuery.parse(PHOTO, ["wave:0.7, udnie:0.3", "night"]).weights == (
        ("wave", 0.7),
        ("udnie", 0.3),
        ("night", 1.0),
    )


@pytest.mark.parametrize("text", ["wave,", "wave:1,", ",wave", " , wave ,, ", "wave,,,"])
def test_empty_entries_of_a_list_of_styles_do_not_count(text: str) -> None:
    assert StyleQuery.parse(PHOTO, [text]).weights == (("wave", 1.0),)
    assert StyleQuery.parse(PHOTO, [f"{text},udnie:2"]).weights == (("wave", 1.0), ("udnie", 2.0))


def test_strength_is_full_and_colours_are_the_paintings_unless_asked_otherwise() -> None:
    query = StyleQuery.parse(PHOTO, ["wave"])
    assert (query.strength, query.preserve_color) == (1.0, False)


@pytest.mark.parametrize(
    "text",
    [
        "wave:-1",
        "wave:nan",
        "wave:inf",
        "wave:-inf",
        "wave:",
        "wave:much",
        "wave:0,5",
        "wave:0,5,",
        ",",
        "wave:１",
        "wave:1_0",
        "wave:1:2",
        ":1",
        "",
        " ",
    ],
)
def test_a_weight_that_is_no_proportion_is_an_invalid_field(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        StyleQuery.parse(PHOTO, [text])
    assert caught.value.details == {"field": "style"}


def test_weights_that_are_all_zero_are_invalid() -> None:
    with pytest.raises(InvalidField):
        StyleQuery.parse(PHOTO, ["wave:0", "udnie:0"])


def test_weights_whose_sum_overflows_are_invalid() -> None:
    with pytest.raises(InvalidField):
        StyleQuery.parse(PHOTO, ["wave:1.7e308", "udnie:1.7e308"])


def test_one_zero_beside_a_positive_weight_is_fine() -> None:
    assert StyleQuery.parse(PHOTO, ["wave:0", "udnie:1"]).weights[0] == ("wave", 0.0)


def test_no_style_at_all_is_invalid() -> None:
    with pytest.raises(InvalidField):
        StyleQuery.parse(PHOTO, [])


def test_too_many_styles_are_invalid() -> None:
    with pytest.raises(InvalidField):
        StyleQuery.parse(PHOTO, ["wave"] * (MAX_STYLES + 1))


@pytest.mark.parametrize("strength", [-0.01, 1.01, math.nan, math.inf, -math.inf])
def test_a_strength_outside_zero_to_one_is_an_invalid_field(strength: float) -> None:
    with pytest.raises(InvalidField) as caught:
        StyleQuery.parse(PHOTO, ["wave"], strength)
    assert caught.value.details == {"field": "strength"}


@given(st.lists(st.text(max_size=30), max_size=10), st.floats())
def test_any_text_is_either_a_sound_query_or_an_invalid_field(styles: list[str], strength: float) -> None:
    try:
        query = StyleQuery.parse(PHOTO, styles, strength)
    except InvalidField:
        return
    assert 0 <= query.strength <= 1
    assert all(name and math.isfinite(weight) and weight >= 0 for name, weight in query.weights)
    assert sum(weight for _, weight in query.weights) > 0
