"""Every language says everything, with the same values, and nothing people write becomes markup."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from fluent.syntax import FluentParser, ast
from fluent.syntax.visitor import Visitor

from bot.locales import LOCALES
from bot.presentation.answers import explain
from bot.presentation.translations import Translations
from deployments.faces.types import Face, Pose, Quality
from deployments.imaging import Photo, encode
from deployments.lookalike import collage
from deployments.lookalike.types import Match

BOT = LOCALES.parent
SOURCES = [path for path in BOT.rglob("*.py") if BOT / "playground" not in path.parents]  # fmt: skip
SLUGS = {
    slug
    for room in ("bot", "deployments", "serve_app")
    for path in (BOT.parent / room).rglob("*.py")
    for slug in re.findall(r'slug, title, status = "([a-z-]+)"', path.read_text(encoding="utf-8"))
}
STARTER = LOCALES.parents[1] / "registry" / "starter"
FILES = sorted(LOCALES.glob("*.ftl"))


class Variables(Visitor):  # type: ignore[misc]  # fluent.syntax comes without types
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:
        self.names.add(node.id.name)


def messages(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    resource = FluentParser().parse(path.read_text(encoding="utf-8"))
    for entry in resource.body:
        assert not isinstance(entry, ast.Junk), f"{path.name}: {entry.content}"
        if isinstance(entry, ast.Message):
            assert entry.id.name not in found, f"{path.name}: {entry.id.name} twice"
            variables = Variables()
            variables.visit(entry)
            found[entry.id.name] = variables.names
    return found


ENGLISH = messages(LOCALES / "en.ftl")
VALUES: dict[str, str | float] = {name: 3 for names in ENGLISH.values() for name in names}
VALUES |= {"name": "<b>Ann</b>", "style": "<i>Wave</i>", "role": "none", "state": "on", "history": "on", "rule": "x"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_the_per_cent_mean_fits_on_a_collage_in_every_language(path: Path) -> None:
    words = Translations.load().words(path.stem)
    face = Face(
        (60, 60, 140, 140), 0.9, np.zeros((5, 2), np.float32), None, Pose(0, 0, 0), Quality(80, 0, 1), None, None
    )
    match = Match("Ada", None, None, None, 73.4, 0.4, "ada.jpg", None)
    photo = encode(np.zeros((200, 200, 3), np.uint8))

    def drawn(note: str) -> np.ndarray:
        return collage.draw(Photo.open(photo), face, [(match, photo)], note)

    note = words.plain("lookalike-method")
    assert not np.array_equal(drawn(note), drawn(note + "!")), "its end is cut off"


def test_there_are_at_least_two_languages() -> None:
    assert {path.stem for path in FILES} >= {"en", "ru"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_language_has_the_same_messages_with_the_same_values(path: Path) -> None:
    assert messages(path) == ENGLISH


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_message_can_be_said_and_its_tags_are_closed(translations: Translations, path: Path) -> None:
    words = translations.words(path.stem)
    for key, names in ENGLISH.items():
        text = words.html(key, **{name: VALUES[name] for name in names})
        assert text.strip()
        for tag in ("b", "i", "code"):
            assert text.count(f"<{tag}>") == text.count(f"</{tag}>")


def test_every_message_the_bot_names_is_there_and_none_is_forgotten() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    literal = set(re.findall(r'(?:html|plain)\(\s*"([a-z0-9_-]+)"', code))
    assert literal <= set(ENGLISH)
    # Families whose last part comes from a value: button-<page>, error-<slug>, …
    families = (
        "button-",
        "caption-",
        "error-",
        "rule-",
        "help-",
        "not-taken-",
        "checkout-",
        "subscription-",
        "renewal-",
        "result-authenticity-",
        "style-",
    )
    named = set(re.findall(r'"([a-z0-9_-]+)"', code))
    assert [key for key in ENGLISH if not key.startswith(families) and key not in named] == []


def test_values_never_become_markup(translations: Translations) -> None:
    words = translations.words("en")
    assert "&lt;b&gt;Ann&lt;/b&gt; &amp; &quot;Co&quot;" in words.html("start", name='<b>Ann</b> & "Co"')
    assert words.plain("invoice-pack", credits=5) == "5 credits"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_line_ends_between_a_number_and_its_per_cent_sign(translations: Translations, path: Path) -> None:
    words = translations.words(path.stem)
    said = [words.html(key, **{name: VALUES[name] for name in names}) for key, names in ENGLISH.items()]
    assert [text for text in said if re.search(r"\d %", text)] == []
    assert "98\u202f%" in words.html("result-match", place=1, name="Ada", role="none", similarity=98)


def test_fluent_syntax_in_a_value_is_data(translations: Translations) -> None:
    words = translations.words("en")
    assert "{ $secret }" in words.html("start", name="{ $secret }")


@pytest.mark.parametrize(("code", "language"), [("ru", "ru"), ("ru-RU", "ru"), ("de", "en"), (None, "en"), ("", "en")])
def test_people_are_spoken_to_in_their_language_or_the_default(
    translations: Translations, code: str | None, language: str
) -> None:
    assert translations.words(code).language == language


def test_a_default_without_a_file_is_refused_at_start() -> None:
    with pytest.raises(LookupError, match="xx"):
        Translations.load("xx")


def test_a_style_has_its_title_in_ones_language_and_a_stranger_of_its_name_keeps_its_own(
    translations: Translations,
) -> None:
    russian = translations.words("ru")
    assert russian.title("wave", "The Great Wave off Kanagawa") == "Большая волна в Канагаве"
    assert russian.title("wave", "Grandmother's Perm") == "Grandmother's Perm"
    assert russian.title("unheard-of", "Unheard-of") == "Unheard-of"


def test_the_styles_we_ship_have_titles_in_every_language(translations: Translations) -> None:
    packs = [json.loads(path.read_text()) for path in STARTER.glob("styles-*/*/styles.json")]
    styles = [style for pack in packs for style in pack["styles"]]
    assert styles
    for words in translations.languages.values():
        for style in styles:
            assert (words.title(style["name"], style["title"]) == style["title"]) == (words.language == "en"), style


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 картина"), (2, "2 картины"), (5, "5 картин"), (21, "21 картина"), (22, "22 картины")]
)
def test_russian_counts_as_russians_do(translations: Translations, count: int, words: str) -> None:
    assert words in translations.words("ru").html("status-queued", position=count)


def test_of_a_single_thing_english_speaks_in_the_singular(translations: Translations) -> None:
    english = translations.words("en")
    values: dict[str, str | float] = dict.fromkeys(("credits", "daily", "stars", "count", "hours"), 1)
    for key, names in ENGLISH.items():
        if names and names <= values.keys():
            assert not re.search(r"\b1 (credits|pictures|days)\b", english.plain(key, **values)), key


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_error_of_the_product_has_words_of_its_own(translations: Translations, language: str) -> None:
    words = translations.words(language)
    details = {"needed": 2, "available": 1, "most": 3, "given": 5, "daily": 50, "stars": 250, "artworks": "yes"}
    # What moderation refused is told by its rule, and an operator's command has an answer of its own.
    for slug in SLUGS - {"refused", "not-refundable"}:
        assert words.knows(f"error-{slug}"), slug
        assert explain(words, slug, details) != words.html("error-internal")


def test_the_rule_that_was_broken_is_named(translations: Translations) -> None:
    words = translations.words("en")
    assert "nudity" in explain(words, "refused", {"rule": "explicit"})
    assert "house rules" in explain(words, "refused", {"rule": "something new"})
    assert "house rules" in explain(words, "refused", {})
