"""What captions ask for, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.presentation.captions import FEATURES, Captions
from bot.presentation.catalogue import Catalogue, Feature, features_of
from bot.presentation.translations import Translations
from deployments.anonymize.types import Method
from deployments.imaging import Limits
from deployments.serving.types import Answer
from deployments.style.engine import StyleInfo
from serve_app.pipeline import Graph, Pipeline
from tests.integration.bot.flows.stand_ins import StandIns


def captions_over(graph: Graph, translations: Translations) -> Captions:
    return Captions(translations, Catalogue(Pipeline(graph, Limits()), features_of(graph)))


@pytest.fixture(scope="module")
def captions(translations: Translations) -> Captions:
    return captions_over(StandIns().graph(), translations)


@pytest.mark.parametrize(
    ("caption", "feature"),
    [
        ("Who do I look like?", "lookalike"),
        ("WHO  do\nI look like", "lookalike"),
        ("на кого я похожа?", "lookalike"),
        ("hide faces", "anonymize"),
        ("Please, hide the face!", "anonymize"),
        ("скрой лица", "anonymize"),
        ("спрячь, пожалуйста, лица", None),
        ("Спрячь лица пожалуйста", "anonymize"),
        ("swap", "swap"),
        ("Swapping us", "swap"),
        ("поменяй лица", "swap"),
        ("is it real?", "authenticity"),
        ("это настоящее фото?", "authenticity"),
        ("дипфейк?", "authenticity"),
        ("paint it like the wave", "style"),
        ("swap or hide faces", None),
        ("the wave and swap", None),
        ("swamp", None),
        ("who does he look like?", "lookalike"),
        ("me and my twin", None),
        ("Does it look like rain?", None),
        ("похожа на маму", None),
        ("sorry, it is blurry", None),
        ("too pixelated?", None),
        ("фото размытое, извините", None),
        ("замазала окно", None),
        ("снято на пиксель", None),
        ("скромное лицо", None),
        ("really nice", None),
        ("Which celebrity do I look like?", "lookalike"),
        ("who does this person look like?", "lookalike"),
        ("we look alike, don't we", None),
        ("на какую знаменитость я похожа?", "lookalike"),
        ("hide all the faces", "anonymize"),
        ("hide her face, please", "anonymize"),
        ("скрой все лица", "anonymize"),
        ("Спрячь моё лицо", "anonymize"),
        ("все спрятались", None),
        ("Faceswap!", "swap"),
        ("switch our faces", "swap"),
        ("поменяй нас лицами", "swap"),
        ("Is this photo real?", "authenticity"),
        ("real or AI?", "authenticity"),
        ("это фото настоящее?", "authenticity"),
        ("real life, real people", None),
        ("I would like a picture", None),
        ("", None),
    ],
)
async def test_a_caption_asks_for_one_thing_or_for_nothing(
    captions: Captions, caption: str, feature: Feature | None
) -> None:
    understood = await captions.understand(caption)
    assert (None if understood is None else understood.feature) == feature


@pytest.mark.parametrize(
    ("caption", "method"),
    [("blur the faces", Method.BLUR), ("размой лица", Method.BLUR), ("pixelate us", Method.PIXELATE),
     ("пикселями", Method.PIXELATE), ("hide faces with a mask", Method.REPLACE), ("hide faces", None),
     ("blur or pixelate", None)],
)  # fmt: skip
async def test_how_faces_are_hidden_can_be_said(captions: Captions, caption: str, method: Method | None) -> None:
    understood = await captions.understand(caption)
    assert understood is not None
    assert (understood.feature, understood.method) == ("anonymize", method)


@pytest.mark.parametrize(
    ("caption", "style"),
    [
        ("wave", "wave"),
        ("Please paint me like THE WAVE", "wave"),
        ("scream", "scream"),
        ("", None),
        ("wavelength", None),
        ("wave or scream?", None),
        ("hello", None),
    ],
)
async def test_a_caption_is_taken_at_its_word(captions: Captions, caption: str, style: str | None) -> None:
    understood = await captions.understand(caption)
    assert (understood.style.name if understood is not None and understood.style is not None else None) == style


async def test_what_the_studio_cannot_do_is_not_understood(translations: Translations) -> None:
    graph = StandIns().graph()
    captions = captions_over(Graph(moderate=graph.moderate, style=graph.style, styles=graph.styles), translations)
    assert await captions.understand("swap") is None


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("language", ["en", "ru"])
async def test_the_words_on_a_features_button_ask_for_it(
    captions: Captions, translations: Translations, language: str, feature: Feature
) -> None:
    key = {"anonymize": "hide"}.get(feature, feature)
    understood = await captions.understand(translations.words(language).plain(f"button-{key}"))
    assert understood is not None
    assert understood.feature == feature


@given(st.text())
async def test_any_text_may_be_a_caption(captions: Captions, text: str) -> None:
    understood = await captions.understand(text)
    assert understood is None or understood.feature in {"style", *FEATURES}


SHIPPED = {
    "starry_night": "The Starry Night",
    "the_scream": "The Scream",
    "wave": "The Great Wave off Kanagawa",
    "composition_vii": "Composition VII",
    "udnie": "Udnie (Young American Girl, The Dance)",
}


def over_styles(titles: dict[str, str]) -> Captions:
    async def styles() -> Answer[tuple[StyleInfo, ...]]:
        infos = (StyleInfo(name, title, "Somebody", 1889, "public domain", b"") for name, title in titles.items())
        return Answer(tuple(infos), "painter@v1")

    return captions_over(replace(StandIns().graph(), styles=styles), Translations.load())


@pytest.mark.parametrize(
    ("caption", "style"),
    [
        ("like Van Gogh", "starry_night"),
        ("in van Gogh's manner", "starry_night"),
        ("сделай в стиле Ван Гога", "starry_night"),
        ("в стиле «Звёздной ночи», пожалуйста", "starry_night"),
        ("звездную ночь", "starry_night"),
        ("звездная ночь", "starry_night"),
        ("Нарисуй: «Звёздная ночь»!", "starry_night"),
        ("the starry night, please", "starry_night"),
        ("а теперь Мунка", "the_scream"),
        ("как Большую волну", "wave"),
        ("the great wave!", "wave"),
        ("Munch or Hokusai", None),
        ("Great waves of heat", None),
        ("Thanks, what a wave!", None),
        ("We saw the Great Wave in the museum", None),
        ("a starry night at the camp", None),
        ("Крик души", None),
        ("time to munch", None),
        ("Wave, please", "wave"),
        ("could you make it a starry night?", "starry_night"),
        ("our camp, in the style of the starry night", "starry_night"),
        ("нарисуй собаку как «Крик»", "the_scream"),
        ("крик", "the_scream"),
        ("lunch at the munchkins'", None),
        ("make it look like the starry night", "starry_night"),
        ("make this photo van Gogh", "starry_night"),
        ("turn me into a Hokusai painting", "wave"),
        ("we look like a wave", None),
        ("a painting of a wave", None),
        ("волна", "wave"),
        ("как волна Хокусая", "wave"),
        ("Какая волна!", None),
        ("нарисуй в стиле крика", "the_scream"),
        ("в стиле Удни", "udnie"),
        ("композиция 7", "composition_vii"),
        ("фотография и композиция", None),
    ],
)
async def test_a_style_is_known_by_its_painter_and_in_every_case_where_it_is_asked_for(
    caption: str, style: str | None
) -> None:
    understood = await over_styles(SHIPPED).understand(caption)
    assert (understood.style.name if understood is not None and understood.style is not None else None) == style


async def test_a_stranger_of_a_known_name_is_not_taken_for_it() -> None:
    assert await over_styles({"starry_night": "Camping"}).understand("like van Gogh") is None
