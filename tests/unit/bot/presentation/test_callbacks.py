"""Buttons fit into what Telegram gives them, and say back what they were made with."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from aiogram.filters.callback_data import CallbackData
from hypothesis import given
from hypothesis import strategies as st

from bot.presentation import callbacks
from bot.presentation.callbacks import MapFace, short_code

MAX_BYTES = 64
"""Telegram's limit for what a button says back."""

BIGGEST: dict[type, Any] = {int: 2**31 - 1, str: "x" * 32, bool: True}
KINDS = [kind for kind in vars(callbacks).values() if isinstance(kind, type) and issubclass(kind, CallbackData)]
SPECIAL = {"code": "xx", "style": "abcdef", "artwork": "abcdef", "product": "p" * 16, "percent": 100, "page": 99}


def biggest(kind: type[CallbackData]) -> CallbackData:
    values: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        literals = get_args(field.annotation)
        values[name] = max(literals, key=len) if literals else SPECIAL.get(name, BIGGEST.get(field.annotation or str))
    return kind(**values)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in {CallbackData, MapFace}], ids=lambda kind: kind.__name__
)
def test_the_longest_data_a_button_can_have_fits(kind: type[CallbackData]) -> None:
    assert len(biggest(kind).pack().encode()) <= MAX_BYTES


def test_a_mapping_of_eight_faces_fits() -> None:
    data = MapFace(
        bundle=2**31 - 1,
        identity=2**31 - 1,
        sources=8,
        targets=8,
        artwork="abcdef",
        chosen=".".join("7" * 8),
    )
    assert len(data.pack().encode()) <= MAX_BYTES
    assert MapFace.unpack(data.pack()) == data


def test_no_two_buttons_begin_alike() -> None:
    prefixes = [kind.__prefix__ for kind in KINDS if kind is not CallbackData]
    assert len(set(prefixes)) == len(prefixes)


@given(st.text(min_size=1))
def test_a_styles_code_is_short_and_always_the_same(name: str) -> None:
    assert short_code(name) == short_code(name)
    assert len(short_code(name)) == 6
    assert ":" not in short_code(name)


@pytest.mark.parametrize(
    "data",
    [
        "w2:1:0:999999999:2::",
        "w2:1:0:2:999999999::",
        "p:99999999999:abcdef",
        "s:1:-1",
        "os:1:1000",
        "o:-1:as_file:1",
        "g:-1:en",
        "kf:-5",
        "del:-1",
    ],
)
def test_numbers_that_no_button_ever_held_are_none_of_ours(data: str) -> None:
    """Whoever writes a client of their own sends what they like; it is not for us to count to it."""
    kind = next(kind for kind in KINDS if kind is not CallbackData and kind.__prefix__ == data.partition(":")[0])
    with pytest.raises(ValueError, match="validation error"):
        kind.unpack(data)
