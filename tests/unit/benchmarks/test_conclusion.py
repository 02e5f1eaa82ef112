"""What a benchmark or a drill comes to."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

from rich.console import Console

from benchmarks.conclusion import conclude
from benchmarks.figures import Figure

GOOD = Figure("results lost", 0, bar=0, higher_is_better=False)
BAD = Figure("results doubled", 2, bar=0, higher_is_better=False)
KNOWN = Figure("kills", 17)


def judge(folder: Path, **parts: list[Figure]) -> tuple[int, str, dict]:
    said = io.StringIO()
    status = conclude("drill-bot", parts, seed=7, seconds=12.34, reports=folder, console=Console(file=said, width=100))
    return status, said.getvalue(), json.loads((folder / "drill-bot.json").read_text())


def test_a_drill_passes_when_every_bar_is_met(tmp_path: Path) -> None:
    status, said, report = judge(tmp_path / "reports", crash=[GOOD, KNOWN], crowd=[GOOD])
    assert status == 0
    assert report["passed"] is True
    assert (report["seed"], report["seconds"]) == (7, 12.3)
    assert "results lost" in said
    assert "seed 7" in said


def test_what_missed_its_bar_is_named_and_fails_the_drill(tmp_path: Path) -> None:
    status, said, report = judge(tmp_path, crash=[GOOD], crowd=[BAD])
    assert status == 1
    assert report["passed"] is False
    assert "under its bar: crowd: results doubled: 2" in said
    assert "under its bar: crash" not in said
    assert [figure["passed"] for figure in report["parts"]["crowd"]] == [False]


def test_a_drill_without_figures_has_shown_nothing(tmp_path: Path) -> None:
    assert judge(tmp_path)[0] == 1
    assert judge(tmp_path, crash=[])[0] == 1


def test_a_figure_that_is_no_number_fails_and_still_makes_a_report(tmp_path: Path) -> None:
    status, _, report = judge(tmp_path, crash=[Figure("wait", math.nan, bar=3, higher_is_better=False)])
    assert status == 1
    assert report["parts"]["crash"][0]["value"] is None
