"""A report as pictures."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from PIL import Image

from bot.reporting.plots import PLOTS, NoPlots, draw
from bot.reporting.stats import Active, Cohort, Feature, Report, Revenue, Timing

pytest.importorskip("matplotlib")

MONDAY = date(2025, 6, 16)
NOTHING = Timing(0, 0.0, 0.0)


def report(days: int = 28) -> Report:
    period = [MONDAY - timedelta(days=back) for back in range(days - 1, -1, -1)]
    return Report(
        active=tuple(Active(day, 20 + n % 7, 60 + n, 100 + 2 * n) for n, day in enumerate(period)),
        cohorts=tuple(
            Cohort(
                MONDAY - timedelta(weeks=back),
                40 - back,
                tuple(0.9**k * (1 if k == 0 else 0.6) for k in range(back)),
                tuple(1 - 0.85**k for k in range(back)),
            )
            for back in range(6, 0, -1)
        ),
        features=(
            Feature("style", 120, 100, 12, 3, {"refused": 12}),
            Feature("swap", 40, 30, 8, 1, {"no-face": 8}),
        ),
        revenue=tuple(Revenue(day, 50 * (n % 5), 50 if n == 9 else 0, n % 5) for n, day in enumerate(period)),
        subscribers=4,
        queue=Timing(130, 1.2, 6.1),
        work=Timing(130, 2.0, 3.3),
        delivery=Timing(130, 0.4, 1.9),
        total=Timing(130, 3.8, 9.4),
        refusals={"too-large": 3},
    )


def test_a_report_is_drawn(tmp_path: Path) -> None:
    paths = draw(report(), tmp_path / "plots")
    assert [path.stem for path in paths] == list(PLOTS)
    for path in paths:
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert image.size == (960, 540)
            assert len(image.convert("RGB").getcolors(960 * 540) or []) > 10


def test_an_empty_report_is_drawn_as_well(tmp_path: Path) -> None:
    empty = Report(
        (Active(MONDAY, 0, 0, 0),), (), (), (Revenue(MONDAY, 0, 0, 0),), 0, NOTHING, NOTHING, NOTHING, NOTHING, {}
    )
    assert len(draw(empty, tmp_path)) == len(PLOTS)


def test_without_matplotlib_the_answer_is_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(NoPlots, match="pip install matplotlib"):
        draw(report(), tmp_path)
