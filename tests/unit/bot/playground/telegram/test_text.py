"""Text is cleaned and trimmed; commands, mentions, links and tags in it are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.telegram.errors import ApiError
from bot.playground.telegram.text import entity_text, format_text


def found(text: str) -> dict[str, str]:
    formatted = format_text(text)
    return {entity["type"]: entity_text(formatted.text, entity) for entity in formatted.entities}


def test_commands_mentions_links_and_tags_are_found() -> None:
    text = "/paint@some_bot for @anna_b: https://example.com/a?b=1. #art2 me@example.com"
    assert found(text) == {
        "bot_command": "/paint@some_bot",
        "mention": "@anna_b",
        "url": "https://example.com/a?b=1",
        "hashtag": "#art2",
        "email": "me@example.com",
    }


@pytest.mark.parametrize("text", ["and/or", "a@b", "/", "#1", "x/start", "<3"])
def test_what_only_resembles_an_entity_is_none(text: str) -> None:
    assert found(text) == {}


def test_nothing_is_found_inside_code() -> None:
    formatted = format_text("<code>/start</code> /help", "HTML")
    assert [entity["type"] for entity in formatted.entities] == ["code", "bot_command"]


def test_surrounding_space_is_trimmed_and_entities_move_along() -> None:
    formatted = format_text("  <b> a </b> ", "HTML")
    assert formatted.text == "a"
    assert formatted.entities == ({"type": "bold", "offset": 0, "length": 1},)


def test_other_parse_modes_are_refused() -> None:
    with pytest.raises(ApiError, match="unsupported parse_mode"):
        format_text("*a*", "MarkdownV2")


def test_html_errors_are_worded_as_telegram_words_them() -> None:
    with pytest.raises(
        ApiError, match='^Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0$'
    ):
        format_text("<x>", "html")


def test_fields_are_named_after_what_they_belong_to() -> None:
    formatted = format_text("<b>a</b>", "HTML")
    assert formatted.fields("text").keys() == {"text", "entities"}
    assert formatted.fields("caption").keys() == {"caption", "caption_entities"}
    assert format_text("").fields("caption") == {}


@given(st.text(max_size=80))
def test_entities_of_any_text_lie_within_it(text: str) -> None:
    formatted = format_text(text)
    for entity in formatted.entities:
        assert entity_text(formatted.text, entity)
    assert formatted.text == formatted.text.strip()
