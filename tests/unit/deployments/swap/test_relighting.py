from __future__ import annotations

import numpy as np
import pytest

from deployments.compositing.masks import hull
from deployments.compositing.tones import to_lab
from deployments.faces.landmarks import face_size, with_forehead
from deployments.swap.complexion import Complexion, features
from deployments.swap.relighting import Relighting


def relight(source, target):
    points = target.face.dense
    cover = hull(target.pixels.shape[:2], with_forehead(points))
    unit = face_size(points)
    sides = [Complexion.of(pixels, points, cover, unit) for pixels in (source.pixels, target.pixels)]
    keep = np.ones_like(cover)
    return Relighting.between(*sides, keep, cover, unit).apply(source.pixels), cover


def cheek(portrait):
    x, y = portrait.face.dense[[2, 31]].mean(axis=0).astype(int)
    return slice(y - 3, y + 4), slice(x - 3, x + 4)


def test_a_face_in_its_own_light_stays_what_it_is(portrait):
    drawn = portrait()
    result, cover = relight(drawn, drawn)
    skin = (cover == 1) & (features(cover.shape, drawn.face.dense, 12) == 0)
    assert np.abs(result - drawn.pixels)[skin].mean() < 3


@pytest.mark.parametrize("skin", [(235, 200, 180), (95, 65, 50), (200, 120, 90)])
def test_skin_takes_on_the_targets_complexion(portrait, skin):
    source, target = portrait(skin=(205, 155, 125)), portrait(skin=skin, seed=2)
    result, _ = relight(source, target)
    assert np.abs(result[cheek(target)].mean(axis=(0, 1)) - skin).max() < 6


def test_a_face_in_a_grey_photo_is_grey(portrait):
    grey = portrait(skin=(150, 150, 150), background=(80, 80, 80), lips=(100, 100, 100))
    flat = np.repeat(grey.pixels.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    result, cover = relight(portrait(), type(grey)(flat, grey.face))
    spread = np.ptp(result[cover == 1], axis=1)
    assert np.percentile(spread, 99) < 12


def test_a_face_in_a_toned_photo_has_its_tone_and_no_other(portrait):
    plain = portrait(skin=(235, 200, 180), seed=2)
    grey = plain.pixels.mean(axis=2, keepdims=True)
    sepia = type(plain)(np.clip(grey * (1.05, 0.88, 0.7), 0, 255).astype(np.uint8), plain.face)
    result, cover = relight(portrait(lips=(190, 20, 40)), sepia)
    red, _, blue = result[cover == 1].T
    assert np.percentile(red - blue, 99) < 0.45 * red.max()
    x, y = sepia.face.dense[48:60].mean(axis=0).astype(int)
    lips, skin = (
        to_lab(result[at].astype(np.uint8))[..., 1].mean() for at in (np.s_[y : y + 2, x - 3 : x + 4], cheek(sepia))
    )
    assert lips == pytest.approx(skin, abs=4)


def test_light_from_one_side_falls_on_the_new_face_from_that_side(portrait):
    target = portrait(seed=3)
    ramp = np.linspace(1.15, 0.55, 200)[None, :, None]
    lit = type(target)(np.clip(target.pixels * ramp, 0, 255).astype(np.uint8), target.face)
    result, _ = relight(portrait(), lit)
    rows, columns = cheek(target)
    left, right = (rows, columns), (rows, slice(200 - columns.stop, 200 - columns.start))
    asked = lit.pixels[left].mean() / lit.pixels[right].mean()
    assert asked > 1.15
    assert result[left].mean() / result[right].mean() == pytest.approx(asked, rel=0.04)


def test_the_sources_features_survive(portrait):
    source, target = portrait(lips=(150, 40, 60)), portrait(skin=(95, 65, 50), seed=2)
    result, _ = relight(source, target)
    x, y = target.face.dense[48:60].mean(axis=0).astype(int)
    mouth, skin = to_lab(result[y, x][None, None].astype(np.uint8)), to_lab(result[cheek(target)].astype(np.uint8))
    assert mouth[0, 0, 1] > skin[..., 1].mean() + 5


def test_teeth_are_no_whiter_in_a_fairer_face(portrait):
    source, target = portrait(skin=(95, 65, 50), lips=(200, 200, 195)), portrait(skin=(225, 190, 170), seed=2)
    result, _ = relight(source, target)
    x, y = target.face.dense[48:60].mean(axis=0).astype(int)
    assert result[y : y + 2, x - 2 : x + 3].max() < 250


def test_skin_that_is_burnt_out_takes_on_the_complexion(portrait):
    source, target = portrait(), portrait(skin=(200, 120, 90), seed=2)
    x, y = source.face.dense[[1, 29]].mean(axis=0).astype(int)
    at = slice(y - 3, y + 4), slice(x - 3, x + 4)
    source.pixels[at] = 250
    result, _ = relight(source, target)
    a, b = to_lab(result.astype(np.uint8))[at][..., 1:].mean(axis=(0, 1))
    skin = to_lab(target.pixels)[at][..., 1:].mean(axis=(0, 1))
    assert np.hypot(a, b) > 0.7 * np.hypot(*skin)


def test_dark_brows_are_as_dark_on_fair_skin(portrait):
    source, target = portrait(skin=(95, 65, 50)), portrait(skin=(235, 200, 180), seed=2)
    result, _ = relight(source, target)
    x, y = target.face.dense[18:21].mean(axis=0).astype(int)
    assert result[y : y + 2, x - 2 : x + 3].mean() < 0.75 * result[cheek(target)].mean()


def test_folds_are_no_deeper_in_a_photo_taken_at_night(portrait):
    source, target = portrait(), portrait(seed=2)
    folds = 1 + 0.25 * np.sin(np.arange(200) / 4)[:, None, None]
    wrinkled = type(source)(np.clip(source.pixels * folds, 0, 255).astype(np.uint8), source.face)
    night = type(target)((target.pixels * 0.12).astype(np.uint8), target.face)

    def depth(lit):
        result, cover = relight(wrinkled, lit)
        skin = (cover == 1) & (features(cover.shape, lit.face.dense, 12) == 0)
        return result[skin].std() / result[skin].mean()

    assert depth(night) < 1.2 * depth(target)


def test_fields_may_be_smaller_than_the_picture(portrait):
    small, large = portrait(size=100, scale=0.55), portrait(size=200, scale=1.1)
    points = small.face.dense
    cover = hull((100, 100), with_forehead(points))
    unit = face_size(points)
    side = Complexion.of(small.pixels, points, cover, unit)
    result = Relighting.between(side, side, np.ones_like(cover), cover, unit).apply(large.pixels)
    assert result.shape == (200, 200, 3)
    assert np.abs(result[cheek(large)] - large.pixels[cheek(large)]).mean() < 4
