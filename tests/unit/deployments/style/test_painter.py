from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deployments.runtime import Runtime
from deployments.style.packs import StyleBook
from deployments.style.painter import Painter


@pytest.fixture
def vectors(network, make_pack):
    book = StyleBook(network, [make_pack("dots", "lines")])
    return {name: book.blend([(name, 1.0)], 1.0) for name in ("dots", "lines")}


def differences(a, b) -> np.ndarray:
    return np.abs(a.astype(int) - b.astype(int))


def test_a_painting_has_the_photos_size_whatever_it_is(network, vectors, scene) -> None:
    painter = Painter(network, Runtime())
    for width, height in ((1, 1), (2, 3), (33, 47), (64, 64), (1200, 12), (12, 1200)):
        (painting,) = painter.paint([scene(width, height)], [vectors["dots"]])
        assert painting.shape == (height, width, 3)
        assert painting.dtype == np.uint8
        assert painting.flags.c_contiguous


def test_a_batch_paints_each_picture_as_it_would_be_painted_alone(network, vectors, scene) -> None:
    painter = Painter(network, Runtime())
    photos = [scene(70, 50, seed) for seed in range(3)]
    styles = [vectors["dots"], vectors["lines"], vectors["dots"]]
    together = painter.paint(photos, styles)
    for photo, style, painting in zip(photos, styles, together, strict=True):
        (alone,) = painter.paint([photo], [style])
        assert differences(alone, painting).max() <= 1


def test_a_batch_too_large_for_one_run_is_painted_in_several(network, vectors, scene) -> None:
    photos = [scene(64, 64, seed) for seed in range(5)]
    styles = [vectors["dots"]] * 5
    several = Painter(network, Runtime(), max_pixels=2 * 64 * 64).paint(photos, styles)
    one = Painter(network, Runtime()).paint(photos, styles)
    assert differences(np.stack(several), np.stack(one)).max() <= 1


def test_tiles_equal_the_whole_picture_painted_with_the_same_statistics(network, vectors, scene) -> None:
    """With tiles of the picture's size nothing is cut, with small ones everything is: both must agree everywhere."""
    photo = scene(420, 300)
    cut = Painter(network, Runtime(), max_pixels=100 * 100, tile=128)
    uncut = Painter(network, Runtime(), max_pixels=100 * 100, tile=420)
    (tiled,), (whole,) = cut.paint([photo], [vectors["dots"]]), uncut.paint([photo], [vectors["dots"]])
    assert whole.std() > 10
    assert differences(tiled, whole).max() <= 1


def test_tiles_keep_the_tone_of_the_picture_painted_whole(network, vectors, scene) -> None:
    photo = scene(420, 300)
    (tiled,) = Painter(network, Runtime(), max_pixels=300 * 300, tile=128).paint([photo], [vectors["lines"]])
    (whole,) = Painter(network, Runtime()).paint([photo], [vectors["lines"]])
    error = np.square(differences(tiled, whole).astype(float)).mean()
    assert 10 * np.log10(255**2 / error) > 25


def test_less_memory_means_smaller_runs_and_the_picture_stays_whole(network, vectors, scene) -> None:
    photo = scene(300, 200)
    (tight,) = Painter(network, Runtime(memory_mb=4)).paint([photo], [vectors["dots"]])
    (roomy,) = Painter(network, Runtime()).paint([photo], [vectors["dots"]])
    assert tight.shape == roomy.shape
    assert differences(tight, roomy).max() > 1  # other statistics: it did go another way
    assert differences(tight, roomy).mean() < 10


def test_memory_that_holds_no_tile_with_its_margins_is_refused(network) -> None:
    far_sighted = network.manifest.model_copy(update={"input": network.manifest.input | {"receptive_radius": 100}})
    with pytest.raises(ValueError, match="needs at least 14 MB"):
        Painter(replace(network, manifest=far_sighted), Runtime(memory_mb=1))
