"""Which pictures of people are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.evaluation.people import Seen, pairs
from training.gallery.analysis import Analysis

ADA, GRACE = np.array([1.0, 0.0], np.float32), np.array([0.0, 2.0], np.float32)


def seen(person: str, vector: np.ndarray | None) -> Seen:
    return Seen(person, Path(f"{person}.jpg"), Analysis("digest", None, (), vector))


def test_pairs_are_of_one_person_and_as_many_of_two() -> None:
    drawn = pairs([seen("Ada", ADA), seen("Ada", ADA), seen("Grace", GRACE), seen("Grace", GRACE)], most=10, seed=0)
    assert drawn.same.sum() == 2
    assert (~drawn.same).sum() == 2
    np.testing.assert_allclose(drawn.similarity[drawn.same], 1)
    np.testing.assert_allclose(drawn.similarity[~drawn.same], 0)


def test_a_seed_always_draws_the_same() -> None:
    pictures = [seen(f"person {number // 3}", np.array([number, 1.0], np.float32)) for number in range(30)]
    assert pairs(pictures, 12, seed=4).places == pairs(pictures, 12, seed=4).places
    assert pairs(pictures, 12, seed=4).places != pairs(pictures, 12, seed=5).places


def test_no_pair_is_drawn_twice_whichever_of_the_two_comes_first() -> None:
    drawn = pairs([seen(person, ADA) for person in ("Ada", "Grace") for _ in range(3)], most=10, seed=0)
    assert len({frozenset(places) for places in drawn.places}) == len(drawn.places)


def test_a_picture_without_a_face_is_not_paired() -> None:
    drawn = pairs([seen("Ada", ADA), seen("Ada", None), seen("Ada", ADA), seen("Grace", GRACE)], most=10, seed=0)
    assert all(1 not in place for place in drawn.places)


@pytest.mark.parametrize("pictures", [[seen("Ada", ADA), seen("Ada", ADA)], [seen("Ada", ADA), seen("Grace", GRACE)]])
def test_without_pairs_of_both_kinds_there_is_nothing_to_measure(pictures) -> None:
    with pytest.raises(ValueError, match="two people and somebody with two pictures"):
        pairs(pictures, 10, seed=0)
