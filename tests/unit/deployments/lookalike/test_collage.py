"""The collage: everybody in it, every text inside it, nothing missing that has to be said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deployments.faces.types import Face, Pose, Quality
from deployments.imaging import Photo, encode
from deployments.lookalike import collage
from deployments.lookalike.engine import LookalikeEngine, LookalikeQuery
from deployments.lookalike.types import Match
from deployments.runtime import Runtime
from registry.manifest import ModelVersion

PAPER = (250, 247, 242)
RED, GREEN = (220, 30, 30), (30, 160, 60)


def plain(colour: tuple[int, int, int], side: int = 200) -> bytes:
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[:] = colour
    return encode(pixels)


PHOTO = Photo.open(plain(RED))
FACE = Face(
    box=(60, 60, 140, 140),
    score=0.9,
    landmarks=np.zeros((5, 2), np.float32),
    dense=None,
    pose=Pose(0, 0, 0),
    quality=Quality(80, 0, 0.9),
    embedding=None,
    age=None,
)
NOTE = "What the per cent mean."
MATCH = Match("Ada Lovelace", None, "mathematician", None, 73.4, 0.4, "x.jpg", "M. Carpenter, Public domain")


def inked(sheet: np.ndarray) -> np.ndarray:
    return np.any(np.abs(sheet.astype(int) - PAPER) > 40, axis=2)


def test_the_face_stands_left_of_its_best_match() -> None:
    sheet = collage.draw(PHOTO, FACE, [(MATCH, plain(GREEN))], NOTE)
    assert sheet.shape[1:] == (1080, 3)
    assert np.abs(sheet[250, 250].astype(int) - RED).max() < 12
    assert np.abs(sheet[250, 800].astype(int) - GREEN).max() < 12


@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_match_is_there_and_the_sheet_is_as_long_as_it_needs(count: int) -> None:
    colours = [(30, 160, 60), (40, 40, 200), (200, 200, 20)]
    sheet = collage.draw(PHOTO, FACE, [(MATCH, plain(colours[number])) for number in range(count)], NOTE)
    for number, colour in enumerate(colours):
        there = np.all(np.abs(sheet.astype(int) - colour) < 25, axis=2).sum() > 5_000
        assert there == (number < count)
    assert inked(sheet[-120:]).any()
    assert not inked(sheet[-20:]).any()


def test_only_three_fit() -> None:
    three = collage.draw(PHOTO, FACE, [(MATCH, plain(GREEN))] * 3, NOTE)
    five = collage.draw(PHOTO, FACE, [(MATCH, plain(GREEN))] * 5, NOTE)
    assert np.array_equal(three, five)


@pytest.mark.parametrize(
    "name",
    ["Антон Чехов", "Björk Guðmundsdóttir", "Ελένη", "山田太郎", "A" * 300, "Wolfeschlegelsteinhausenbergerdorff " * 8],
)
def test_names_in_any_letters_and_of_any_length_stay_inside_the_margins(name: str) -> None:
    match = replace(MATCH, name=name, role=name, alias=name, attribution=name)
    sheet = collage.draw(PHOTO, FACE, [(match, plain(PAPER))] * 3, NOTE)
    ink = inked(sheet)
    assert not ink[:, :36].any()
    assert not ink[:, -36:].any()
    assert ink[550:620, 40:700].any()


def test_letters_of_two_alphabets_are_not_the_same_empty_boxes() -> None:
    sheets = [
        collage.draw(PHOTO, FACE, [(replace(MATCH, name=name), plain(GREEN))], NOTE) for name in ("ЖЖЖ", "ЩЩЩ", "WWW")
    ]
    heads = [sheet[550:620, 40:400] for sheet in sheets]
    assert not np.array_equal(heads[0], heads[1])
    assert not np.array_equal(heads[1], heads[2])


def test_credits_are_given_once_each_and_need_room() -> None:
    without = collage.draw(PHOTO, FACE, [(replace(MATCH, attribution=None), plain(GREEN))], NOTE)
    once = collage.draw(PHOTO, FACE, [(MATCH, plain(GREEN))], NOTE)
    assert once.shape[0] > without.shape[0]


def test_the_credit_of_each_of_three_people_is_given_to_its_end() -> None:
    long = "Photograph by Maximiliane Featherstonehaugh, from Wikimedia Commons, CC BY-SA 4.0, cropped. " * 9
    people = [replace(MATCH, name=name, attribution=long) for name in ("Ada", "Grace", "Emmy")]
    whole = collage.draw(PHOTO, FACE, [(match, plain(GREEN)) for match in people], NOTE)
    for number in range(3):
        shorter = [replace(match, attribution=long[:-20] if match is people[number] else long) for match in people]
        cut = collage.draw(PHOTO, FACE, [(match, plain(GREEN)) for match in shorter], NOTE)
        assert cut.shape != whole.shape or not np.array_equal(cut, whole), f"the end of credit {number} is missing"
    assert inked(whole[-80:]).any()
    assert not inked(whole[-20:]).any()


@pytest.mark.parametrize("letters", ["https://example.org/" + "Ada_Lovelace" * 24, "撮影者" * 100])
def test_a_credit_without_spaces_is_given_to_its_end(letters: str) -> None:
    whole, cut = (
        collage.draw(PHOTO, FACE, [(replace(MATCH, attribution=credit), plain(GREEN))], NOTE)
        for credit in (letters, letters[:-1])
    )
    assert whole.shape != cut.shape or not np.array_equal(whole, cut)
    assert not inked(whole)[:, -36:].any()


def test_what_the_per_cent_mean_is_said_as_it_was_asked_for() -> None:
    said, other = (collage.draw(PHOTO, FACE, [(MATCH, plain(GREEN))], note) for note in ("Ж", "Щ"))
    assert said.shape == other.shape
    assert not np.array_equal(said, other)


def test_nobody_to_show_is_an_error() -> None:
    with pytest.raises(ValueError, match="somebody"):
        collage.draw(PHOTO, FACE, [], NOTE)


def test_the_engine_draws_its_own_people(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    (matches,) = engine.run([LookalikeQuery(np.ones(3, np.float32), "test-space", 3)])
    assert engine.collage(PHOTO, FACE, matches, NOTE).shape[1:] == (1080, 3)
