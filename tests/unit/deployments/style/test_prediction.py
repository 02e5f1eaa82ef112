from __future__ import annotations

import numpy as np
import pytest
import torch

from deployments.errors import InvalidField, Unavailable
from deployments.runtime import Runtime
from deployments.style.colour import MOST_GAIN, Palette, dye
from deployments.style.engine import StyleEngine, StyleQuery
from deployments.style.prediction import MOST_SQUARES, StyleReader, squares
from training.style.prediction.network import load_predictor
from training.style.prediction.pictures import reading


@pytest.fixture
def engine(network, make_pack, make_predictor) -> StyleEngine:
    return StyleEngine(network, [make_pack("dots", "lines"), make_predictor()], Runtime())


def asked(photo, style_image, **options: object) -> StyleQuery:
    return StyleQuery(photo, (), style_image=style_image, **options)


def distance(a, b) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


def test_two_pictures_make_two_styles_of_the_photos_size(engine, photo) -> None:
    taken = photo(61, 45, 1)
    first, second = engine.run([asked(taken, photo(80, 64, 2)), asked(taken, photo(300, 40, 3))])
    assert first.shape == second.shape == (45, 61, 3)
    assert distance(first, second) > 1


def test_a_picture_answers_alone_as_it_does_among_names(engine, photo) -> None:
    queries = [
        asked(photo(61, 45, 1), photo(80, 64, 2)),
        StyleQuery.parse(photo(61, 45, 1), ["dots"]),
        asked(photo(40, 40, 4), photo(80, 64, 2), strength=0.5),
    ]
    for query, together in zip(queries, engine.run(queries), strict=True):
        (alone,) = engine.run([query])
        assert distance(alone, together) < 1


def test_strength_zero_gives_the_photo_back_whatever_the_picture(engine, photo) -> None:
    taken = photo(61, 45, 1)
    (same,) = engine.run([asked(taken, photo(80, 64, 2), strength=0.0)])
    np.testing.assert_array_equal(same, taken.pixels())


def test_the_painting_takes_the_pictures_colours_unless_the_photos_are_kept(engine, photo, coloured) -> None:
    taken, red = photo(120, 90, 1), coloured((200, 40, 30))
    painted, kept = engine.run([asked(taken, red), asked(taken, red, preserve_color=True)])
    wanted = Palette.of(red.pixels()).mean
    assert np.abs(Palette.of(painted).mean - wanted).max() < 12
    assert np.abs(Palette.of(kept).mean - wanted).max() > 30


def test_without_a_predictor_a_picture_is_answered_with_what_to_install(network, make_pack, photo) -> None:
    engine = StyleEngine(network, [make_pack("dots")], Runtime())
    query = asked(photo(61, 45), photo(80, 64))
    with pytest.raises(Unavailable, match="style-predictor"):
        engine.run([query])
    assert len(engine.run([StyleQuery.parse(photo(61, 45), ["dots"])])) == 1


def test_a_predictor_of_other_weights_or_another_length_is_refused(network, make_pack, make_predictor) -> None:
    pack = make_pack("dots")
    for wrong in (
        make_predictor(model="other-weights", requires={"tiny-style": "0" * 64}),
        make_predictor(model="other-network", requires={"huge-style": "0" * 64}),
        make_predictor(model="other-length", size=12),
    ):
        with pytest.raises(ValueError, match=wrong.manifest.model):
            StyleEngine(network, [pack, wrong], Runtime())


def test_two_predictors_are_one_too_many(network, make_pack, make_predictor) -> None:
    with pytest.raises(ValueError, match="one is enough"):
        StyleEngine(network, [make_pack("dots"), make_predictor(), make_predictor(model="second")], Runtime())


def test_the_graph_reads_what_was_trained(network, make_predictor, photo) -> None:
    predictor = make_predictor()
    trained = load_predictor(predictor.path("predictor.safetensors"))
    picture = photo(256, 256, 9).pixels()
    with torch.no_grad():
        expected = trained(reading(picture)[None])[0].numpy()
    found = StyleReader(network, predictor, Runtime()).read(picture)
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


@pytest.mark.parametrize(("size", "count"), [((40, 40), 1), ((60, 40), 2), ((40, 90), 3), ((900, 40), MOST_SQUARES)])
def test_squares_cover_a_picture_from_end_to_end(size, count) -> None:
    width, height = size
    picture = np.arange(width * height * 3, dtype=np.int64).reshape(height, width, 3)
    found = squares(picture)
    assert len(found) == count
    assert {square.shape for square in found} == {(min(size), min(size), 3)}
    assert found[0][0, 0, 0] == picture[0, 0, 0]
    assert found[-1][-1, -1, 2] == picture[-1, -1, 2]


def test_a_style_is_named_or_shown_never_both(photo) -> None:
    with pytest.raises(InvalidField) as refused:
        StyleQuery.parse(photo(8, 8), ["dots"], style_image=photo(8, 8))
    assert refused.value.details["field"] == "style_image"


def test_dyeing_matches_the_mean_and_within_bounds_the_spread() -> None:
    random = np.random.default_rng(0)
    painting = np.clip(random.normal((90, 120, 150), (30, 20, 25), (60, 80, 3)), 0, 255).astype(np.uint8)
    wanted = np.clip(random.normal((150, 110, 80), (28, 24, 20), (50, 50, 3)), 0, 255).astype(np.uint8)
    dyed = Palette.of(dye(painting, Palette.of(wanted)))
    np.testing.assert_allclose(dyed.mean, Palette.of(wanted).mean, atol=1)
    np.testing.assert_allclose(dyed.covariance.diagonal(), Palette.of(wanted).covariance.diagonal(), rtol=0.1)
    plain = Palette(np.array([128.0, 128, 128]), 1e6 * np.eye(3))
    assert np.sqrt(Palette.of(dye(painting, plain)).covariance.max()) < 1.05 * MOST_GAIN * 30


def chroma(picture: np.ndarray) -> np.ndarray:
    """How far each pixel is from grey, in levels."""
    return np.ptp(picture.astype(int), axis=2)


def strokes() -> np.ndarray:
    """A painting of many colours and much contrast."""
    random = np.random.default_rng(0)
    return np.clip(random.normal((90, 120, 150), (45, 40, 50), (60, 80, 3)), 0, 255).astype(np.uint8)


def test_what_has_no_colours_dyes_a_painting_grey() -> None:
    """An engraving or a drawing as the style gives no violet and green casts."""
    greys = np.repeat(np.random.default_rng(1).integers(0, 256, (40, 40, 1), np.uint8), 3, axis=2)
    dyed = dye(strokes(), Palette.of(greys))
    assert chroma(dyed).max() <= 2
    assert dyed.std() > 0.8 * min(greys.std(), strokes().mean(axis=2).std())


def test_what_is_all_one_colour_leaves_a_painting_its_strokes() -> None:
    before = strokes()
    dyed = dye(before, Palette.of(np.full((9, 9, 3), (120, 60, 60), np.uint8)))
    np.testing.assert_allclose(dyed.mean((0, 1)), (120, 60, 60), atol=2)
    assert dyed.mean(axis=2).std() == pytest.approx(before.mean(axis=2).std() / MOST_GAIN, rel=0.1)


def test_a_plain_picture_dyes_without_a_fault() -> None:
    plain = np.full((30, 40, 3), 77, np.uint8)
    assert np.abs(dye(plain, Palette.of(np.full((9, 9, 3), 200, np.uint8))).astype(int) - 200).max() <= 1
