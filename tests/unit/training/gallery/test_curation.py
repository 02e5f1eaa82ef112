"""Which pictures are left out, and for which reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.gallery.analysis import Analysis, Seen
from training.gallery.curation import Rules, find_copies, inspect

GOOD = Seen(box=(0, 0, 112, 112), yaw=5, pitch=-5, roll=3, size=112, blur=0.1, score=0.8)
VECTOR = np.ones(4, np.float32) / 2


def picture(*faces: Seen, problem: str | None = None) -> Analysis:
    return Analysis("digest", problem, faces, VECTOR if faces else None, None)


def test_a_good_picture_stays() -> None:
    assert inspect(picture(GOOD), Rules()) is None


@pytest.mark.parametrize(
    ("change", "reason", "word"),
    [
        ({"size": 59.0}, "small", "59 px"),
        ({"roll": 35.0}, "tilted", "35 degrees"),
        ({"roll": -170.0}, "tilted", "170 degrees"),
        ({"yaw": -50.0}, "profile", "to the side"),
        ({"pitch": 40.0}, "profile", "up"),
        ({"pitch": -40.0}, "profile", "down"),
        ({"blur": 0.8}, "blurred", "blurred"),
    ],
)
def test_a_face_that_is_hard_to_recognise_is_left_out(change: dict[str, float], reason: str, word: str) -> None:
    rejection = inspect(picture(replace(GOOD, **change)), Rules())
    assert rejection is not None
    assert rejection.reason == reason
    assert word in rejection.detail


def test_a_picture_without_a_face_and_a_file_that_is_no_picture_are_left_out() -> None:
    assert inspect(picture(), Rules()).reason == "no-face"
    assert inspect(picture(problem="it is broken"), Rules()).reason == "unreadable"


def test_two_faces_of_similar_size_make_it_unclear_whose_picture_it_is() -> None:
    rejection = inspect(picture(GOOD, replace(GOOD, size=60.0)), Rules())
    assert rejection.reason == "several-faces"
    assert "2 faces" in rejection.detail


def test_a_small_face_in_the_background_does_not_matter() -> None:
    assert inspect(picture(GOOD, replace(GOOD, size=40.0)), Rules()) is None


def looks(*seeds: int) -> np.ndarray:
    made = [np.random.default_rng(seed).standard_normal(256) for seed in seeds]
    return np.array([vector / np.linalg.norm(vector) for vector in made], dtype=np.float32)


def copies(seeds: tuple[int, ...], owners: tuple[int, ...], settled: int = 0) -> dict[int, str]:
    found = find_copies(looks(*seeds), np.array(owners, np.int32), ["Ada", "Grace", "Edsger"], settled, Rules())
    return {place: rejection.reason for place, rejection in found.items()}


def test_of_copies_of_one_person_the_first_stays() -> None:
    assert copies((1, 1, 2, 1), (0, 0, 0, 0)) == {1: "duplicate", 3: "duplicate"}


def test_of_copies_under_two_people_none_stays() -> None:
    assert copies((1, 1, 2), (0, 1, 1)) == {0: "two-people", 1: "two-people"}
    assert copies((1, 1, 1), (0, 0, 1)) == {0: "two-people", 1: "two-people", 2: "two-people"}


def test_what_is_in_the_gallery_already_stays_in_it() -> None:
    assert copies((1, 1, 1), (0, 0, 1), settled=1) == {1: "two-people", 2: "two-people"}
    assert copies((1, 1), (0, 0), settled=2) == {}
    assert copies((1, 2, 1), (0, 0, 0), settled=2) == {2: "duplicate"}


def test_nothing_has_no_copies() -> None:
    assert find_copies(np.zeros((0, 256), np.float32), np.zeros(0, np.int32), [], 0, Rules()) == {}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=12))
def test_what_stays_has_no_copy_left(pictures: list[tuple[int, int]]) -> None:
    seeds, owners = tuple(seed for seed, _ in pictures), tuple(owner for _, owner in pictures)
    left_out = copies(seeds, owners) if pictures else {}
    kept = [seeds[place] for place in range(len(pictures)) if place not in left_out]
    assert len(kept) == len(set(kept))
    for seed in set(seeds):
        # A picture of one person only is never lost altogether.
        if len({owner for picture, owner in pictures if picture == seed}) == 1:
            assert seed in kept


def test_copies_are_found_across_blocks() -> None:
    many = looks(*range(1500))
    many[1400] = many[3]
    found = find_copies(many, np.zeros(1500, np.int32), ["Ada"], 0, Rules())
    assert list(found) == [1400]


def test_a_placeholder_filed_under_thousands_is_dealt_with_at_once() -> None:
    count = 20_000
    placeholder = np.repeat(looks(1), count, axis=0)
    owners = np.arange(count, dtype=np.int32)
    found = find_copies(placeholder, owners, [str(owner) for owner in owners], 0, Rules())
    assert len(found) == count
    assert {rejection.reason for rejection in found.values()} == {"two-people"}
