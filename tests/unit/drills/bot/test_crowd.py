"""What the crowd drill makes of what it saw."""

from __future__ import annotations

import pytest

from benchmarks.figures import Figure
from drills.bot.crowd import Told, Work, candour, fairness, growth, truthfulness

GREEDY = 1


def named(figures: list[Figure], part: str) -> Figure:
    return next(figure for figure in figures if part in figure.name)


def crowd(order: list[int]) -> list[Work]:
    """Everybody orders at 0; one job is begun a second, in this order of people."""
    return [Work(person, 0.0, float(second), second + 1.0) for second, person in enumerate(order, start=1)]


def test_a_queue_that_serves_the_greedy_one_first_is_unfair() -> None:
    fair = crowd([GREEDY, *range(2, 100), *[GREEDY] * 49])
    greedy_first = crowd([*[GREEDY] * 50, *range(2, 100)])
    assert named(fairness(fair, GREEDY), "share").passed
    assert not named(fairness(greedy_first, GREEDY), "share").passed


def test_positions_are_compared_with_what_was_begun_before() -> None:
    works = crowd(list(range(1, 101)))
    true = [Told(person, 0.0, person - 1) for person in range(1, 101)]
    assert all(figure.passed for figure in truthfulness(true, works))
    flattering = [Told(person, 0.0, 0) for person in range(1, 101)]
    assert not named(truthfulness(flattering, works), "median").passed


def test_a_place_told_when_the_work_has_begun_is_off() -> None:
    works = crowd(list(range(1, 101)))
    late = [Told(person, 200.0, 50) for person in range(1, 101)]
    assert not named(truthfulness(late, works), "median").passed


def test_without_a_single_position_told_nothing_is_shown() -> None:
    assert not named(truthfulness([], crowd([1, 2])), "median").passed


def test_people_who_wait_without_a_word_are_counted() -> None:
    works = crowd(list(range(1, 109)))
    told = [Told(person, 0.0, person - 1) for person in range(1, 59)]
    assert named(candour(told, works), "told a place").value == pytest.approx(50, abs=1)


def test_memory_that_grows_for_ever_is_seen_and_a_warm_up_is_not() -> None:
    warming = [(float(second), 100.0 + min(second, 30)) for second in range(120)]
    leaking = [(float(second), 100.0 + second) for second in range(120)]
    assert named(growth(warming), "growth").passed
    assert not named(growth(leaking), "growth").passed
