from __future__ import annotations

import numpy as np
import pytest

from deployments.errors import UnknownStyle
from deployments.runtime import Runtime
from deployments.style.colour import keep_photo_colours
from deployments.style.engine import WORKING_PIXELS, StyleEngine, StyleQuery, painted_share, working_side


@pytest.fixture
def engine(network, make_pack) -> StyleEngine:
    return StyleEngine(network, [make_pack("dots", "lines")], Runtime())


def difference(a, b) -> np.ndarray:
    return np.abs(a.astype(int) - b.astype(int))


def test_an_engine_says_what_it_knows(engine, photo) -> None:
    taken = photo(61, 45)
    assert engine.knows(StyleQuery.parse(taken, ["dots", "lines"]))
    assert not engine.knows(StyleQuery.parse(taken, ["dots", "mine"]))
    assert not engine.knows(StyleQuery.parse(taken, [], style_image=taken)), "there is no predictor"


def test_full_strength_paints_and_keeps_the_photos_size(engine, photo) -> None:
    taken = photo(61, 45)
    (painting,) = engine.run([StyleQuery.parse(taken, ["dots"])])
    assert painting.shape == (45, 61, 3)
    assert difference(painting, taken.pixels()).mean() > 5


def test_strength_zero_gives_the_photo_back_exactly(engine, photo) -> None:
    taken = photo(61, 45)
    (result,) = engine.run([StyleQuery.parse(taken, ["dots"], 0.0)])
    np.testing.assert_array_equal(result, taken.pixels())


def test_a_little_strength_stays_near_the_photo(engine, photo) -> None:
    taken = photo(61, 45)
    queries = [StyleQuery.parse(taken, ["dots"], strength) for strength in (0.01, 0.3, 1.0)]
    distances = [difference(result, taken.pixels()).mean() for result in engine.run(queries)]
    assert distances[0] < 5
    assert distances[0] < min(distances[1:])


def test_the_share_of_painting_runs_from_none_to_all_without_turning_back() -> None:
    shares = [painted_share(step / 100) for step in range(101)]
    assert (shares[0], shares[-1]) == (0, 1)
    assert shares == sorted(shares)


def test_a_blend_is_neither_of_its_styles(engine, photo) -> None:
    taken = photo(61, 45)
    dots, lines, both = engine.run([StyleQuery.parse(taken, s) for s in (["dots"], ["lines"], ["dots", "lines"])])
    assert difference(both, dots).mean() > 2
    assert difference(both, lines).mean() > 2


def test_a_weight_of_zero_is_as_good_as_not_naming_the_style(engine, photo) -> None:
    taken = photo(61, 45)
    named, unnamed = engine.run([StyleQuery.parse(taken, s) for s in (["dots", "lines:0"], ["dots"])])
    np.testing.assert_array_equal(named, unnamed)


def test_preserved_colours_are_the_photos_and_brightness_is_the_paintings(engine, photo) -> None:
    taken = photo(61, 45)
    painting, kept = engine.run(
        [StyleQuery.parse(taken, ["dots"]), StyleQuery.parse(taken, ["dots"], preserve_color=True)]
    )
    np.testing.assert_array_equal(kept, keep_photo_colours(painting, taken.pixels()))


def test_preserved_colours_are_as_dark_and_as_deep_as_the_photos() -> None:
    """A painting that is lighter than the photo must not make a navy suit pale grey, nor white paper grey."""
    random = np.random.default_rng(0)
    photo = np.clip(random.normal((20, 30, 70), 12, (60, 60, 3)), 0, 255).astype(np.uint8)
    painting = np.clip(random.normal((190, 180, 130), 40, photo.shape), 0, 255).astype(np.uint8)
    kept = keep_photo_colours(painting, photo)
    np.testing.assert_allclose(kept.mean((0, 1)), photo.mean((0, 1)), atol=6)
    paper = np.full((60, 60, 3), 250, np.uint8)
    assert keep_photo_colours(painting, paper).mean() > 235


def test_preserved_colours_leave_the_strokes_on_a_flat_photo() -> None:
    painting = np.clip(np.random.default_rng(0).normal(128, 40, (60, 60, 3)), 0, 255).astype(np.uint8)
    assert keep_photo_colours(painting, np.full((60, 60, 3), 128, np.uint8)).std() > 10


def test_a_painting_came_from_the_packs_of_its_styles(network, make_pack, photo) -> None:
    dots, lines, waves = (make_pack(name) for name in ("dots", "lines", "waves"))
    engine = StyleEngine(network, [dots, lines, waves], Runtime())
    assert engine.contributors(StyleQuery.parse(photo(8, 8), ["waves", "dots:2"])) == (waves.ref, dots.ref)


def test_a_grey_photo_with_preserved_colours_stays_grey() -> None:
    grey = np.repeat(np.arange(0, 240, dtype=np.uint8).reshape(12, 20, 1), 3, axis=2)
    painting = np.random.default_rng(0).integers(0, 256, grey.shape, np.uint8)
    kept = keep_photo_colours(painting, grey)
    assert difference(kept.max(axis=2), kept.min(axis=2)).max() <= 2


def test_mixed_sizes_and_strengths_come_back_in_order_as_if_alone(engine, photo) -> None:
    queries = [
        StyleQuery.parse(photo(61, 45, 1), ["dots"]),
        StyleQuery.parse(photo(40, 40, 2), ["lines"], 0.5),
        StyleQuery.parse(photo(61, 45, 3), ["lines"], 0.0),
        StyleQuery.parse(photo(61, 45, 4), ["lines", "dots:3"], preserve_color=True),
    ]
    for query, together in zip(queries, engine.run(queries), strict=True):
        (alone,) = engine.run([query])
        assert difference(alone, together).max() <= 2  # one step of brightness can be two of a colour


def test_an_empty_batch_gives_an_empty_list(engine) -> None:
    assert engine.run([]) == []


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1500, 15), (15, 1500)])
def test_extreme_shapes_are_painted(engine, photo, width: int, height: int) -> None:
    (painting,) = engine.run([StyleQuery.parse(photo(width, height), ["dots"], 0.7, preserve_color=True)])
    assert painting.shape == (height, width, 3)


def test_a_large_photo_is_painted_at_the_working_size_and_brought_back(engine, photo) -> None:
    taken = photo(1800, 1400)
    painting, weaker = engine.run([StyleQuery.parse(taken, ["dots"]), StyleQuery.parse(taken, ["dots"], 0.5)])
    assert painting.shape == weaker.shape == (1400, 1800, 3)


def test_the_working_size_bounds_area_and_never_enlarges() -> None:
    assert working_side(640, 480) == 640
    for width, height in ((4000, 3000), (16_000, 160), (3000, 3000)):
        side = working_side(width, height)
        scale = side / max(width, height)
        assert width * height * scale**2 == pytest.approx(WORKING_PIXELS, rel=0.01)


def test_the_photo_itself_comes_through_near_strength_zero_only() -> None:
    """Elsewhere the style weakens, and what is seen is painting: a photo laid over it would show twice."""
    assert [painted_share(strength) for strength in (0.0, 0.5, 1.0)] == [0, 0.875, 1]


def test_an_unknown_style_is_refused_before_anything_is_painted(engine, photo) -> None:
    with pytest.raises(UnknownStyle):
        engine.run([StyleQuery.parse(photo(61, 45), ["dots"]), StyleQuery.parse(photo(61, 45), ["blobs"], 0.0)])


def test_another_pack_leaves_every_painting_bit_identical(network, make_pack, photo) -> None:
    first = make_pack("dots", "lines")
    query = StyleQuery.parse(photo(61, 45), ["dots", "lines"], 0.8)
    (alone,) = StyleEngine(network, [first], Runtime()).run([query])
    (beside,) = StyleEngine(network, [first, make_pack("waves")], Runtime()).run([query])
    np.testing.assert_array_equal(alone, beside)


def test_warming_up_works_with_and_without_styles(network, make_pack) -> None:
    StyleEngine(network, [make_pack("dots")], Runtime()).warm_up()
    StyleEngine(network, [], Runtime()).warm_up()
