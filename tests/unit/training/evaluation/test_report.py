"""Evaluation reports: what a program reads from them and what a person sees."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from training.evaluation.report import Report, Series, read_report


@pytest.fixture
def report() -> Report:
    report = Report("Faces <told> apart", "How often two photos of a person are recognised.")
    report.figure("accuracy", 0.91, unit="%", interval=(0.88, 0.93), at_least=0.9)
    report.figure("milliseconds", 12.0, unit="ms")
    report.table("By person", ("Person", "Right"), [("A & B", 3), ("C", None)])
    report.plot(
        "ROC",
        "false",
        "true",
        [Series(name="ours", x=(0, 1), y=(0, 1)), Series(name="chance", x=(0, 1), y=(0, 1), muted=True)],
    )
    return report


def test_a_report_reads_back_as_it_was_written(report: Report, tmp_path: Path) -> None:
    report.write(tmp_path)
    assert read_report(tmp_path) == read_report(tmp_path / "report.json") == report.document


def test_a_figure_that_is_no_number_reads_back_as_missing_its_bar(tmp_path: Path) -> None:
    report = Report("Faces", "")
    report.figure("accuracy", float("nan"), at_least=0.95)
    report.write(tmp_path)
    (missed,) = read_report(tmp_path).under_bars
    assert missed.name == "accuracy"
    assert missed.value != missed.value


def test_the_page_needs_nothing_from_outside_and_escapes_what_it_shows(report: Report, tmp_path: Path) -> None:
    page = report.write(tmp_path).read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', page.replace('xlink:href="#', ""))
    assert "Faces &lt;told&gt; apart" in page
    assert "A &amp; B" in page
    assert "91.0 %" in page
    assert "88.0 % to 93.0 %" in page
    assert "<svg" in page


def test_pictures_go_into_the_page_as_thumbnails_and_their_captions_into_the_document(tmp_path: Path) -> None:
    report = Report("t", "s")
    report.pictures("Called wrong", [(np.full((900, 600, 3), 90, np.uint8), "photo <7>")])
    page = report.write(tmp_path).read_text()
    assert page.count("data:image/jpeg;base64,") == 1
    assert len(page) < 20_000
    assert "photo &lt;7&gt;" in page
    assert json.loads((tmp_path / "report.json").read_text())["sections"][0]["captions"] == ["photo <7>"]


@pytest.mark.parametrize(
    ("value", "bars", "met"),
    [
        (0.9, {"at_least": 0.9}, True),
        (0.89, {"at_least": 0.9}, False),
        (0.05, {"at_most": 0.05}, True),
        (0.06, {"at_most": 0.05}, False),
        (float("nan"), {"at_most": 0.05}, False),
        (float("nan"), {"at_least": 0.05}, False),
        (float("nan"), {}, True),
        (0.5, {"at_least": 0.2, "at_most": 0.4}, False),
    ],
)
def test_a_figure_keeps_to_its_bars_or_is_named_as_missing_them(
    value: float, bars: dict[str, float], met: bool
) -> None:
    report = Report("t", "s")
    report.figure("x", value, **bars)
    assert [figure.name for figure in report.document.under_bars] == ([] if met else ["x"])


def test_a_share_comes_with_its_interval(report: Report) -> None:
    report.share("found", 81, 263, at_least=0.3)
    figure = report.document.figures[-1]
    assert (figure.value, figure.met) == (81 / 263, True)
    assert figure.interval == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_equal_reports_give_equal_files(report: Report, tmp_path: Path) -> None:
    assert report.write(tmp_path / "a").read_bytes() == report.write(tmp_path / "b").read_bytes()


def test_two_figures_cannot_share_a_name(report: Report) -> None:
    with pytest.raises(ValueError, match="accuracy"):
        report.figure("accuracy", 1.0)


def test_a_row_of_the_wrong_length_is_refused(report: Report) -> None:
    with pytest.raises(ValueError, match="2 cells"):
        report.table("t", ("a", "b"), [("only one",)])


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no json"])
def test_what_is_no_report_is_said_to_be_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(ValueError, match="not an evaluation report"):
        read_report(tmp_path)


def test_every_shape_of_series_is_drawn(tmp_path: Path) -> None:
    report = Report("t", "s")
    x, y = (0.0, 0.5, 1.0), (0.2, 0.4, 0.9)
    series = [
        Series(name="a line", x=x, y=y),
        Series(name="some points", x=x, y=y, low=(0.1, 0.3, 0.8), high=(0.3, 0.5, 1.0), shape="points"),
        Series(name="many bars", x=x, y=y, shape="bars"),
    ]
    report.plot("All", "x", "y", series, x_limits=(0, 1), y_limits=(0, 1), bands=[(0.3, 0.6, "unsure")])
    page = report.write(tmp_path).read_text()
    for words in ("a line", "some points", "many bars", "unsure"):
        assert words in page
