"""HTML as Telegram's parser reads it; offsets in errors count bytes, offsets of entities UTF-16 units."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.telegram.markup import MarkupError, checked_link, parse_html, utf16_length


@pytest.mark.parametrize(
    ("source", "text", "kinds"),
    [
        ("<b>a</b>", "a", ["bold"]),
        ("<strong>a</strong><em>b</em>", "ab", ["bold", "italic"]),
        ("<ins>a</ins><del>b</del><strike>c</strike>", "abc", ["underline", "strikethrough", "strikethrough"]),
        ("<tg-spoiler>a</tg-spoiler>", "a", ["spoiler"]),
        ('<span class="tg-spoiler">a</span>', "a", ["spoiler"]),
        ("<blockquote>a</blockquote>", "a", ["blockquote"]),
        ("<blockquote expandable>a</blockquote>", "a", ["expandable_blockquote"]),
        ("<B>a</b>", "a", ["bold"]),
        ("<b>a</>", "a", ["bold"]),
        ("<b></b>a", "a", []),
    ],
)
def test_tags_become_entities(source: str, text: str, kinds: list[str]) -> None:
    parsed, entities = parse_html(source)
    assert parsed == text
    assert [entity["type"] for entity in entities] == kinds


def test_offsets_count_utf_16_units() -> None:
    text, entities = parse_html("😀<b>😀é</b>")
    assert text == "😀😀é"
    assert entities == [{"type": "bold", "offset": 2, "length": 3}]


def test_nested_entities_come_outermost_first() -> None:
    _, entities = parse_html("<b>a<i>b</i></b>")
    assert [(entity["type"], entity["offset"], entity["length"]) for entity in entities] == [
        ("bold", 0, 2),
        ("italic", 1, 1),
    ]


def test_code_inside_pre_names_its_language() -> None:
    text, entities = parse_html('<pre><code class="language-python">x = 1</code></pre>')
    assert text == "x = 1"
    assert entities == [{"type": "pre", "offset": 0, "length": 5, "language": "python"}]


def test_links_lead_to_addresses_users_or_nowhere() -> None:
    _, entities = parse_html(
        '<a href="https://example.com/x?a=1&amp;b=2">a</a><a href="tg://user?id=42">b</a>'
        '<a href="javascript:alert(1)">c</a><a>example.com</a>'
    )
    assert [entity["type"] for entity in entities] == ["text_link", "text_mention", "text_link"]
    assert entities[0]["url"] == "https://example.com/x?a=1&b=2"
    assert entities[1]["user_id"] == 42
    assert entities[2]["url"] == "http://example.com/"


def test_only_four_names_of_characters_are_known() -> None:
    text, _ = parse_html("&lt;b&gt; &amp; &quot;x&quot; &copy; &nbsp; &#65; &#x42; & &;")
    assert text == '<b> & "x" &copy; &nbsp; A B & &;'


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("<b>a", "Can't find end tag corresponding to start tag b"),
        ("é<x>", 'Unsupported start tag "x" at byte offset 2'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b>a</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<b>a</b", "Unclosed end tag at byte offset 4"),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ("<a =x>y</a>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<a href=x_y>z</a>", "Unexpected end of name token at byte offset 8"),
        ('<a href="x>', "Unclosed start tag at byte offset 0"),
        ('<span class="x">a</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("&#xd800;", "Text contains invalid Unicode characters"),
    ],
)
def test_what_telegram_cannot_parse_it_says_where(source: str, message: str) -> None:
    with pytest.raises(MarkupError, match=message.split("(", maxsplit=1)[0].replace("?", r"\?")):
        parse_html(source)


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    parsed, entities = parse_html(html.escape(text).replace("&#x27;", "'"))
    assert parsed == text
    assert entities == []


@given(st.text(alphabet="<>/&;=\"' abpreodi#x12é😀\n", max_size=60))
def test_any_source_is_parsed_or_refused(source: str) -> None:
    try:
        text, entities = parse_html(source)
    except MarkupError:
        return
    for entity in entities:
        assert 0 <= entity["offset"] < entity["offset"] + entity["length"] <= utf16_length(text)


_WORDS = st.text(alphabet='ab &<>"😀é', min_size=1, max_size=5)


@given(st.recursive(_WORDS.map(html.escape), lambda inner: st.builds("<b>{}</b><i>{}</i>".format, inner, inner)))
def test_well_formed_markup_is_always_taken(source: str) -> None:
    text, entities = parse_html(source.replace("&#x27;", "'"))
    assert len(entities) == source.count("<b>") + source.count("<i>")
    assert utf16_length(text) >= max((entity["offset"] + entity["length"] for entity in entities), default=0)


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("example.com", "http://example.com/"),
        ("https://example.com/a", "https://example.com/a"),
        ("tg://resolve?domain=x", "tg://resolve?domain=x"),
        ("localhost", ""),
        ("data:text/html,x", ""),
        ("http://[", ""),
        ("two words", ""),
        ("", ""),
    ],
)
def test_links_are_completed_or_dropped(given_url: str, kept: str) -> None:
    assert checked_link(given_url) == kept
