"""Contenders in turns."""

from __future__ import annotations

import itertools

from benchmarks.speed.rounds import Spread, alternate, ratio


def test_contenders_take_turns_after_a_warm_up_that_is_not_counted() -> None:
    order: list[str] = []
    ticks = itertools.count()
    taken = alternate(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2, clock=lambda: next(ticks) / 1000
    )
    assert order == ["a", "b"] * 3
    assert taken["a"].times == (1.0, 1.0)
    assert Spread((3.0, 1.0, 2.0)).median == 2.0


def test_a_ratio_is_taken_within_rounds_so_that_a_slow_moment_falls_on_both() -> None:
    assert ratio(Spread((20.0, 200.0, 20.0)), Spread((10.0, 100.0, 10.0))) == 2
