from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from training.style import yardstick
from training.style.contenders import RUNTIMES
from training.style.judge import Judge
from training.style.yardstick import STRENGTHS, Curve, Point, curves, milliseconds, verdict


class Tint:
    """Paints everything grey, as far as it is asked to."""

    def __init__(self, label: str, styles: tuple[str, ...] = ("dots",), runs: int = 1) -> None:
        self.label, self.styles, self._runs = label, styles, runs

    def paint(self, photo: torch.Tensor, style: str, strength: float) -> torch.Tensor:
        return torch.lerp(photo, torch.full_like(photo, 0.5), strength)

    def on(self, runtime: str, style: str, photo: torch.Tensor) -> Callable[[], object]:
        return lambda: [torch.nn.functional.avg_pool2d(photo, 15, 1) for _ in range(self._runs)]


def curve(label: str, *points: tuple[float, float]) -> Curve:
    return Curve(label, "dots", tuple(Point(1 - i / 10, *point, lattice=0) for i, point in enumerate(points)))


def test_every_contender_is_judged_in_the_styles_it_has_along_its_strength(encoder, make_picture) -> None:
    paintings = {"dots": make_picture("dots.png", seed=1), "lines": make_picture("lines.png", seed=2)}
    judge = Judge(encoder, paintings, [torch.rand(3, 64, 64)], 64)
    seen: list[tuple[int, int]] = []
    drawn = curves(
        judge,
        [Tint("both", ("dots", "lines")), Tint("one")],
        tuple(paintings),
        lambda done, total: seen.append((done, total)),
    )
    assert [(one.label, one.style) for one in drawn] == [("both", "dots"), ("one", "dots"), ("both", "lines")]
    for one in drawn:
        assert tuple(point.strength for point in one.points) == STRENGTHS
        contents = [point.content for point in one.points]
        assert contents == sorted(contents, reverse=True)
    assert seen[-1] == (3 * len(STRENGTHS), 3 * len(STRENGTHS))


def test_times_are_told_apart(monkeypatch) -> None:
    monkeypatch.setattr(yardstick, "TIMED_SIDE", 192)
    times = milliseconds([Tint("quick"), Tint("slow", runs=12)], "dots")
    assert tuple(times) == RUNTIMES
    assert all(taken["slow"] > 3 * taken["quick"] for taken in times.values())


def test_both_are_compared_at_full_strength() -> None:
    # Ours would look better at 0.9, and theirs as well.
    ours, theirs = curve("ours", (1.2, 0.03), (0.95, 0.054)), curve("theirs", (1.0, 0.05), (0.9, 0.04))
    found = verdict(ours, theirs)
    assert (found.content, found.style) == pytest.approx((1.2, 0.6))


def test_a_network_that_paints_better_below_full_strength_may_do_so_whosever_it_is() -> None:
    better_at_full, better_below = [(0.8, 0.06), (0.5, 0.2)], [(1.0, 0.08), (0.9, 0.05), (0.6, 0.1)]
    assert verdict(curve("ours", *better_at_full), curve("theirs", *better_below)).style_at_best == pytest.approx(1.2)
    assert verdict(curve("ours", *better_below), curve("theirs", *better_at_full)).style_at_best == pytest.approx(
        # 0.8 lies a third of the way from 0.9 to 0.6.
        (0.05 + (0.1 - 0.05) / 3) / 0.06
    )


def test_no_strength_at_which_as_much_of_the_photo_is_left_is_told_as_none() -> None:
    found = verdict(curve("ours", (1.2, 0.03), (1.1, 0.04)), curve("theirs", (1.0, 0.05)))
    assert math.isnan(found.style_at_best)
