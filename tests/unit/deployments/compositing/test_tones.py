"""Telling pictures of one tone from pictures in colour."""

from __future__ import annotations

import numpy as np
import pytest

from deployments.compositing.tones import Tone, to_lab, to_rgb


def colours(count=400):
    return np.random.default_rng(0).integers(0, 256, (1, count, 3), dtype=np.uint8)


def toned(tone):
    return (colours().mean(axis=2, keepdims=True) * tone).astype(np.uint8)


@pytest.mark.parametrize("tone", [(1, 1, 1), (1, 0.88, 0.7), (0.6, 0.8, 1)])
def test_a_picture_of_one_tone_gives_that_to_colours(tone):
    found = Tone.of(to_lab(toned(tone))[0])
    assert found.colourfulness == 0
    given, expected = found.give(to_lab(colours()))[0], to_lab(toned(tone))[0]
    order = expected[:, 0].argsort()
    for channel in (1, 2):
        there = np.interp(given[:, 0], expected[order, 0], expected[order, channel])
        assert np.abs(given[:, channel] - there).mean() < 1.5


def test_a_picture_in_colour_leaves_colours_as_they_are():
    found = Tone.of(to_lab(colours())[0])
    assert found.colourfulness == 1
    np.testing.assert_allclose(to_rgb(found.give(to_lab(colours()))), colours(), atol=2)


def test_of_lightness_that_the_picture_does_not_have_the_tone_is_that_of_the_nearest():
    dark = Tone.of(to_lab(toned((0.3, 0.26, 0.2)))[0])
    brightest = to_lab(toned((0.3, 0.26, 0.2)))[0, :, 1:].max(axis=0)
    assert (dark.give(to_lab(np.full((1, 1, 3), 255, np.uint8)))[0, 0, 1:] <= brightest + 1).all()


def test_no_pixels_at_all_are_in_colour():
    assert Tone.of(np.empty((0, 3), np.float32)).colourfulness == 1


def test_lab_and_back_is_the_same_colour():
    np.testing.assert_allclose(to_rgb(to_lab(colours())), colours(), atol=2)
