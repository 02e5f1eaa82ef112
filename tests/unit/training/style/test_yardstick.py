from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from training.style import judge as judge_module
from training.style import yardstick
from training.style.contenders import RUNTIMES
from training.style.judge import Judge
from training.style.yardstick import STRENGTHS, Bar, Curve, Point, curves, milliseconds, verdict


class Tint:
    """Paints everything grey, as far as it is asked to."""

    def __init__(self, label: str, styles: tuple[str, ...] = ("dots",), runs: int = 1) -> None:
        self.label, self.styles, self._runs = label, styles, runs

    def paint(self, photo: torch.Tensor, style: str, strength: float) -> torch.Tensor:
        return torch.lerp(photo, torch.full_like(photo, 0.5), strength)

    def on(self, runtime: str, style: str, photo: torch.Tensor) -> Callable[[], object]:
        return lambda: [torch.nn.functional.avg_pool2d(photo, 15, 1) for _ in range(self._runs)]


def curve(label: str, *points: tuple[float, float]) -> Curve:
    return Curve(label, "dots", tuple(Point(1 - i / 10, *point) for i, point in enumerate(points)))


BAR = Bar(cheaper=3, style=1.1, content=1.0)


def test_every_contender_is_judged_in_the_styles_it_has_along_its_strength(encoder, make_picture, monkeypatch) -> None:
    monkeypatch.setattr(judge_module, "CONTENT_LAYERS", ("relu3_1",))
    paintings = {"dots": make_picture("dots.png", seed=1), "lines": make_picture("lines.png", seed=2)}
    judge = Judge(encoder, paintings, [torch.rand(3, 64, 64)], 64)
    seen: list[tuple[int, int]] = []
    drawn = curves(
        judge,
        [Tint("both", ("dots", "lines")), Tint("one")],
        tuple(paintings),
        lambda _words, done, total: seen.append((done, total)),
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


def test_a_bar_is_met_at_the_strength_that_serves_best() -> None:
    theirs = curve("theirs", (1.0, 0.05))
    found = verdict(BAR, curve("ours", (1.2, 0.03), (0.95, 0.054), (0.8, 0.09)), theirs)
    assert found.point == Point(0.9, 0.95, 0.054)
    assert (found.content, found.style) == pytest.approx((0.95, 1.08))
    assert found.passed


@pytest.mark.parametrize(
    "points",
    [[(0.9, 0.08), (0.8, 0.1)], [(1.2, 0.03), (1.1, 0.04)]],
    ids=["style too far", "photo lost at any strength"],
)
def test_a_bar_is_missed(points) -> None:
    assert not verdict(BAR, curve("ours", *points), curve("theirs", (1.0, 0.05))).passed


def test_a_missed_bar_is_told_at_the_strength_that_comes_nearest() -> None:
    ours = curve("ours", (1.1, 0.056), (0.99, 0.2), (0.5, 0.4))
    assert verdict(BAR, ours, curve("theirs", (1.0, 0.05))).point.strength == 1
