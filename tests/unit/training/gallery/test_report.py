"""The report says of every picture why it was left out, to programs and to people."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from training.gallery.report import LeftOut, Report, read_report, write_report

REPORT = Report(
    gallery="actors@v2",
    embedder="dlib-faces@v1",
    space="dlib-resnet-v1",
    people=1200,
    pictures=3400,
    added=12,
    left_out=(
        LeftOut(person="Ada <b>", picture="Ada/<script>.jpg", reason="small", detail="the face is 20 px wide"),
        LeftOut(person="Ada <b>", picture="Ada/2.jpg", reason="small", detail="the face is 30 px wide"),
        LeftOut(person="Grace", picture="Grace/1.jpg", reason="blurred", detail="the face is blurred"),
    ),
    without_picture=("Grace",),
    index="flat",
    recall=1.0,
    milliseconds=0.05,
)


def test_reasons_are_counted_most_frequent_first() -> None:
    assert [(reason, count) for reason, _, count in REPORT.counts()] == [("small", 2), ("blurred", 1)]


def test_the_page_names_every_picture_and_lets_no_name_become_markup(tmp_path: Path) -> None:
    page = write_report(REPORT, tmp_path).read_text(encoding="utf-8")
    for word in ("actors@v2", "1,200 people", "the face is 20 px wide", "Grace/1.jpg", "Ada/&lt;script&gt;.jpg"):
        assert word in page
    assert "<script>" not in page
    assert "<b>" not in page


def test_a_page_takes_no_package_that_galleries_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "training.evaluation.plots", raising=False)
    assert "actors@v2" in write_report(REPORT, tmp_path).read_text(encoding="utf-8")


def test_a_gallery_without_faults_has_no_list_of_faults(tmp_path: Path) -> None:
    faultless = REPORT.model_copy(update={"left_out": (), "without_picture": ()})
    page = write_report(faultless, tmp_path).read_text(encoding="utf-8")
    assert "1,200 people" in page
    assert "left out" not in page


def test_what_is_written_is_read(tmp_path: Path) -> None:
    page = write_report(REPORT, tmp_path / "deep" / "folder")
    assert read_report(page.with_name("report.json")) == REPORT


def test_something_else_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"gallery": 3}')
    with pytest.raises(ValueError, match="not a gallery report"):
        read_report(tmp_path / "report.json")
