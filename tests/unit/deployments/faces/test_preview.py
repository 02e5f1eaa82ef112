from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from deployments.faces.preview import numbered
from deployments.imaging import Photo, encode


def test_a_large_photo_is_shown_smaller_and_a_small_one_as_it_is(portrait):
    large, small = portrait(size=1600, scale=2.0), portrait(size=400, scale=2.0)
    assert numbered(large.photo, [large.face]).shape == (1280, 1280, 3)
    assert numbered(small.photo, [small.face]).shape == (400, 400, 3)


def test_people_who_count_from_one_are_shown_the_numbers_they_count_by(portrait):
    drawn = portrait(size=400, scale=2.0)
    assert (numbered(drawn.photo, [drawn.face], first=1) != numbered(drawn.photo, [drawn.face])).any()


def test_only_the_surroundings_of_faces_are_drawn_on(portrait):
    drawn = portrait(size=400, at=(0.75, 0.75))
    preview = numbered(drawn.photo, [drawn.face])
    assert (preview[:120, :120] == drawn.pixels[:120, :120]).all()
    assert (preview != drawn.pixels).any()


def test_without_faces_the_photo_is_shown_as_it_is(portrait):
    drawn = portrait()
    assert (numbered(drawn.photo, []) == drawn.pixels).all()


@pytest.mark.parametrize("background", [0, 128, 255])
def test_marks_stand_out_from_any_background(portrait, background):
    plain = np.full((300, 300, 3), background, np.uint8)
    face = replace(portrait().face, box=(100.0, 100.0, 200.0, 220.0))
    preview = numbered(Photo.open(encode(plain, "image/png")), [face])
    badge = preview[80:125, 80:125].astype(int)
    assert (np.abs(badge - background).max(axis=-1) > 75).mean() > 0.1
    assert badge.max() > 240
    assert badge.min() < 60


def test_every_number_has_its_own_place(portrait):
    plain = np.full((400, 400, 3), 128, np.uint8)
    face = portrait().face
    boxes = [(100.0, 100.0, 200.0, 200.0), (104.0, 102.0, 204.0, 202.0), (108.0, 104.0, 208.0, 204.0)]
    preview = numbered(Photo.open(encode(plain, "image/png")), [replace(face, box=box) for box in boxes])
    accent = (np.abs(preview.astype(int) - (94, 44, 140)).max(axis=-1) < 12).astype(np.uint8)
    count, _, areas, _ = cv2.connectedComponentsWithStats(accent)
    assert sum(areas[index, cv2.CC_STAT_AREA] > 60 for index in range(1, count)) >= 3


@pytest.mark.parametrize(
    "box", [(-5.0, -5.0, 20.0, 20.0), (280.0, 280.0, 300.0, 300.0), (10.0, 10.0, 10.5, 10.5), (0.0, 0.0, 300.0, 300.0)]
)
def test_faces_at_borders_and_of_no_size_are_numbered_too(portrait, box):
    plain = np.full((300, 300, 3), 200, np.uint8)
    preview = numbered(Photo.open(encode(plain, "image/png")), [replace(portrait().face, box=box)])
    assert preview.shape == plain.shape
    assert (preview != plain).any()
