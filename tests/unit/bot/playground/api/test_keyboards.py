"""Keyboards: what may stand under a message."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.api.keyboards import checked_markup
from bot.playground.telegram.errors import ApiError


def inline(*buttons: Any) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


def test_an_inline_keyboard_keeps_what_its_buttons_do() -> None:
    markup = inline(
        {"text": "Go", "callback_data": "x" * 64, "url": None}, {"text": "Site", "url": "https://example.com"}
    )
    assert checked_markup(markup) == inline(
        {"text": "Go", "callback_data": "x" * 64}, {"text": "Site", "url": "https://example.com"}
    )


@pytest.mark.parametrize(
    ("markup", "message"),
    [
        ("x", "object expected as reply markup"),
        (
            {"inline_keyboard": [{"text": "a"}]},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        ({"keyboard": ["a"]}, 'field "keyboard" must be an Array of Arrays'),
        (
            inline({"text": "a"}),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (inline({"callback_data": "a"}), "can't parse inline keyboard button: Can't find field \"text\""),
        (inline("a"), "can't parse inline keyboard button: InlineKeyboardButton must be an Object"),
        (inline({"text": "a", "callback_data": "é" * 33}), "BUTTON_DATA_INVALID"),
        (inline({"text": "a", "url": "javascript:x"}), "BUTTON_URL_INVALID"),
        (inline({"text": "a", "pay": True}), "BUTTON_TYPE_INVALID"),
        (inline(*[{"text": "a", "callback_data": "b"}] * 101), "reply markup is too long"),
        (inline({"text": " ", "callback_data": "b"}), "inline keyboard button text must be non-empty"),
    ],
)
def test_other_shapes_are_refused(markup: Any, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        checked_markup(markup)
    assert caught.value.description == f"Bad Request: {message}"


def test_an_invoice_is_paid_with_its_first_button() -> None:
    paying = inline({"text": "Pay", "pay": True}, {"text": "No", "callback_data": "n"})
    assert checked_markup(paying, for_invoice=True) == paying
    with pytest.raises(ApiError, match="BUTTON_POS_INVALID"):
        checked_markup(inline({"text": "No", "callback_data": "n"}), for_invoice=True)


def test_edits_take_inline_keyboards_only() -> None:
    with pytest.raises(ApiError, match="inline keyboard expected"):
        checked_markup({"keyboard": [["a"]]}, inline_only=True)


def test_reply_keyboards_may_name_buttons_by_text_alone() -> None:
    assert checked_markup({"keyboard": [["a", {"text": "b"}]]}) == {"keyboard": [[{"text": "a"}, {"text": "b"}]]}
    assert checked_markup({"remove_keyboard": True}) == {"remove_keyboard": True}


def test_an_empty_keyboard_is_none() -> None:
    assert checked_markup({"inline_keyboard": []}) is None
    assert checked_markup(None) is None
