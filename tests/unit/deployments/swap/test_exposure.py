from __future__ import annotations

import numpy as np
import pytest

from deployments.compositing.tones import to_lab
from deployments.swap.exposure import match


@pytest.fixture
def greys():
    return np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=2)


def lightness(level):
    return float(to_lab(np.full((1, 1, 3), level, np.uint8))[0, 0, 0])


@pytest.mark.parametrize(("have", "wanted"), [(60, 60), (60, 30), (50, 66), (35, 46)])
def test_a_source_as_bright_as_its_target_or_brighter_or_of_another_complexion_is_left_alone(greys, have, wanted):
    assert match(greys, have, wanted) is greys


@pytest.mark.parametrize(("have", "wanted"), [(50, 100), (100, 200)])
def test_what_was_taken_in_the_dark_is_brought_near_to_its_target(greys, have, wanted):
    longer = match(greys, lightness(have), lightness(wanted))
    assert lightness(longer[0, have, 0]) == pytest.approx(lightness(wanted) / 1.35, abs=0.5)


def test_light_is_multiplied_so_that_black_stays_black_and_white_white(greys):
    longer = match(greys, 20, 70)[0, :, 0].astype(int)
    assert longer[0] == 0
    assert longer[255] == 255
    assert (np.diff(longer) >= 0).all()


def test_what_is_hardly_more_than_noise_is_not_drawn_out_any_further(greys):
    assert (match(greys, 1, 90) == match(greys, 0.1, 90)).all()


def test_the_farther_apart_the_longer_without_a_jump(greys):
    dark = 30.0
    levels = [int(match(greys, dark, dark * ratio)[0, 80, 0]) for ratio in np.arange(1.3, 1.8, 0.01)]
    assert levels[0] == 80
    assert max(np.diff(levels)) <= 2
    assert levels[-1] > 95
