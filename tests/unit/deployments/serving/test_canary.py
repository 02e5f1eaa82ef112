"""The same people meet every canary of a model, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.serving.canary import bucket, sees_canary

PEOPLE = [f"person-{number}" for number in range(4000)]


def chosen(model: str, percent: float) -> set[str]:
    return {person for person in PEOPLE if sees_canary(person, model, percent)}


@given(st.text(), st.text())
def test_everybody_has_one_place_between_0_and_100(visitor: str, model: str) -> None:
    assert 0 <= bucket(visitor, model) < 100
    assert bucket(visitor, model) == bucket(visitor, model)


@pytest.mark.parametrize("percent", [0.5, 5, 33.3, 90])
def test_the_share_is_the_per_cent_asked_for(percent: float) -> None:
    share = len(chosen("painter", percent)) / len(PEOPLE) * 100
    assert abs(share - percent) < 2.5


def test_growing_a_canary_adds_people_and_takes_none_away() -> None:
    assert chosen("painter", 5) < chosen("painter", 6)
    assert chosen("painter", 100) == set(PEOPLE)
    assert chosen("painter", 0) == set()


def test_another_model_is_tried_on_other_people() -> None:
    both = chosen("painter", 10) & chosen("finder", 10)
    assert len(both) < len(chosen("painter", 10)) / 2


def test_nobody_in_particular_is_never_tried_on() -> None:
    assert not sees_canary(None, "painter", 100)


def test_the_hash_is_written_down() -> None:
    # Every replica of every release must agree; a changed hash would move all users at an upgrade.
    assert bucket("ada", "painter") == pytest.approx(64.69641549351934)
