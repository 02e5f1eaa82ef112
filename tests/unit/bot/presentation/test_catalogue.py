"""What is on offer, under which names."""

from __future__ import annotations

import pytest

from bot.presentation.callbacks import short_code
from bot.presentation.catalogue import FRESH_S, Catalogue, exhibit, features_of
from bot.presentation.translations import Translations
from deployments.errors import Unavailable, UnknownStyle
from deployments.imaging import Limits
from deployments.serving.types import Answer
from deployments.style.engine import StyleInfo
from serve_app.pipeline import Graph, Pipeline
from tests.clock import Clock
from tests.integration.bot.flows.stand_ins import StandIns

TRANSLATIONS = Translations.load()
ENGLISH, RUSSIAN = TRANSLATIONS.words("en"), TRANSLATIONS.words("ru")


@pytest.fixture
def graph() -> Graph:
    return StandIns().graph()


@pytest.fixture
def catalogue(graph: Graph) -> Catalogue:
    return Catalogue(Pipeline(graph, Limits()), features_of(graph))


def test_a_graph_without_faces_can_only_paint() -> None:
    graph = StandIns().graph()
    bare = Graph(moderate=graph.moderate, style=graph.style, styles=graph.styles, swap=graph.swap)
    assert features_of(graph) == {"style", "lookalike", "swap", "anonymize", "authenticity"}
    assert features_of(bare) == {"style"}
    assert features_of(Graph(moderate=graph.moderate)) == frozenset()


async def test_a_button_finds_its_style_or_says_that_it_is_gone(catalogue: Catalogue) -> None:
    assert (await catalogue.by_code(short_code("night"))).name == "night"
    with pytest.raises(UnknownStyle):
        await catalogue.by_code("000000")


async def test_styles_are_asked_for_again_after_a_while() -> None:
    asked = 0
    stand_ins = StandIns()

    async def styles() -> object:
        nonlocal asked
        asked += 1
        return await stand_ins.styles()

    clock = Clock()
    graph = stand_ins.graph()
    counted = Graph(moderate=graph.moderate, style=graph.style, styles=styles)  # type: ignore[arg-type]  # counts
    catalogue = Catalogue(Pipeline(counted, Limits()), features_of(counted), clock=clock)
    await catalogue.styles()
    await catalogue.styles()
    assert asked == 1
    clock.now += FRESH_S + 1
    await catalogue.styles()
    assert asked == 2


async def test_a_picture_has_its_title_while_the_studio_is_away(graph: Graph) -> None:
    away = False

    async def styles() -> object:
        if away:
            raise Unavailable("Style is restarting.")
        return await graph.styles()  # type: ignore[misc]  # there is one

    clock = Clock()
    shaky = Graph(moderate=graph.moderate, style=graph.style, styles=styles)  # type: ignore[arg-type]  # breaks
    catalogue = Catalogue(Pipeline(shaky, Limits()), features_of(shaky), clock=clock)
    assert await catalogue.titles(["wave:0.5", "scream:0.5"], ENGLISH) == ["The Wave", "Scream"]
    away = True
    clock.now += FRESH_S + 1
    assert await catalogue.titles(["wave", "unheard-of"], ENGLISH) == ["The Wave", "unheard-of"]


async def test_a_style_has_its_title_in_every_language(graph: Graph) -> None:
    night = StyleInfo("starry_night", "The Starry Night", "Vincent van Gogh", 1889, "public domain", b"a night")

    async def styles() -> Answer[tuple[StyleInfo, ...]]:
        return Answer((night,), "painter@v1")

    starry = Graph(moderate=graph.moderate, style=graph.style, styles=styles)
    catalogue = Catalogue(Pipeline(starry, Limits()), features_of(starry))
    assert await catalogue.titles(["starry_night"], ENGLISH) == ["The Starry Night"]
    assert await catalogue.titles(["starry_night"], RUSSIAN) == ["Звёздная ночь"]
    assert exhibit(night, RUSSIAN).title == "Звёздная ночь"


def test_a_preview_that_changes_has_another_name() -> None:
    one = StyleInfo("wave", "Wave", "Hokusai", 1831, "public domain", b"one")
    two = StyleInfo("wave", "Wave", "Hokusai", 1831, "public domain", b"two")
    assert exhibit(one, ENGLISH).name != exhibit(two, ENGLISH).name
    assert len(exhibit(one, ENGLISH).name) <= 128
