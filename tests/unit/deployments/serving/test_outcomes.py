"""Any answer as numbers: walked, checked for soundness, compared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pytest

from deployments.moderation.engine import Verdict
from deployments.serving.comparison import compare, structural_similarity
from deployments.serving.outcomes import deviation, leaves, unsound


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    size: int
    parts: tuple[float, ...]
    colour: Colour
    inner: dict[str, float]
    nothing: None = None
    raw: bytes = b"not told"


def test_every_number_has_a_path() -> None:
    found = leaves([Thing(3, (1.0, 2.0), Colour.RED, {"a": 0.5})])
    assert set(found) == {"0.size", "0.parts", "0.colour", "0.inner.a"}
    assert found["0.colour"] == "red"
    assert list(found["0.parts"]) == [1.0, 2.0]


def test_a_picture_is_told_by_its_colours_where_they_are() -> None:
    picture = np.zeros((64, 48, 3), np.uint8)
    picture[:16, :12] = (255, 0, 0)
    colours = leaves(picture)["answer"].reshape(4, 4, 3)
    assert colours[0, 0].tolist() == [255, 0, 0]
    assert colours[1:].max() == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_named(value: float) -> None:
    assert unsound(Verdict(True, {"explicit": 0.1, "violent": value}, None)) == "scores.violent"
    assert unsound(np.array([1.0, value])) == "answer"
    assert unsound(Verdict(True, {"explicit": 0.1}, None)) is None


def test_leaves_of_different_kinds_are_infinitely_far_apart() -> None:
    assert deviation(np.array([1.0, 4.0]), np.array([1.5, 4.0])) == 0.5
    assert deviation("a", "a") == 0
    assert deviation("a", "b") == deviation("a", np.zeros(1)) == deviation(np.zeros(2), np.zeros(3)) == float("inf")
    assert deviation(np.zeros(1), None) == float("inf")


def test_two_verdicts_are_compared_by_scores_and_by_what_they_allow() -> None:
    fine, worse = Verdict(True, {"explicit": 0.2}, None), Verdict(True, {"explicit": 0.4}, None)
    assert compare(fine, fine) == compare(worse, worse)
    seen = compare(fine, worse)
    assert (round(seen.delta, 3), seen.disagree) == (0.2, False)
    assert compare(fine, Verdict(False, {"explicit": 0.6}, "explicit")).disagree


def test_pictures_are_compared_by_structure() -> None:
    rng = np.random.default_rng(5)
    photo = np.asarray(np.clip(rng.normal(128, 40, (90, 120, 3)).cumsum(axis=1) % 255, 0, 255), np.uint8)
    noise = rng.integers(0, 255, photo.shape, dtype=np.uint8)
    assert structural_similarity(photo, photo) == pytest.approx(1)
    assert structural_similarity(photo, noise) < 0.3
    brighter = np.clip(photo.astype(int) + 6, 0, 255).astype(np.uint8)
    assert 0.9 < structural_similarity(photo, brighter) < 1
    assert compare(photo, photo[:50]).disagree, "a picture of another size is another answer"
