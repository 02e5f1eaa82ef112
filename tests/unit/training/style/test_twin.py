from __future__ import annotations

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from tests.commands import assert_refused
from training.evaluation.report import read_report
from training.style import twin as module
from training.style import yardstick
from training.style.record import RunRecord
from training.style.trainer import Trainer


@pytest.fixture
def command(photos, dots, encoder_file, tiny, tmp_path, monkeypatch):
    """The command on two sizes, which take no longer than a test may."""
    monkeypatch.setattr(module, "SIZES", {"lean": tiny, "full": replace(tiny, coarse=8, separable=False)})
    monkeypatch.setattr(yardstick, "TIMED_SIDE", 64)

    def run(*more: str):
        options = ["--style", f"dots={dots}", "--encoder", str(encoder_file), "--steps", "3"]
        options += ["--crop", "64", "--side", "64", "--report", str(tmp_path / "report")]
        return CliRunner().invoke(module.app, [str(photos), str(tmp_path / "runs"), *options, *more])

    return run


def test_sizes_are_trained_alike_and_held_against_the_full_width(command, tmp_path, monkeypatch) -> None:
    result = command()
    assert result.exit_code == 0, result.output
    lean, full = (RunRecord.read(tmp_path / "runs" / size) for size in ("lean", "full"))
    assert lean.settings == replace(full.settings, architecture=lean.settings.architecture)
    assert (lean.step, full.step, lean.photos) == (3, 3, full.photos)
    document = read_report(tmp_path / "report")
    assert [figure.name for figure in document.figures] == [
        "lean: style distance, times the full width's",
        "lean: content, times the full width's",
        "lean: times cheaper than the full width, ONNX Runtime",
        "lean: times cheaper than the full width, OpenVINO",
    ]
    tables = {section.title: section.rows for section in document.sections if section.kind == "table"}
    assert [row[:2] for row in tables["After as many steps"]] == [("lean", "dots"), ("full", "dots")]
    content, style = ([row[column] for row in tables["After as many steps"]] for column in (2, 3))
    assert document.figures[0].value == pytest.approx(style[0] / style[1], rel=1e-2)
    assert document.figures[1].value == pytest.approx(content[0] / content[1], rel=1e-2)
    plots = {section.title: section for section in document.sections if section.kind == "plot"}
    assert [series.x for series in plots["Style distance on held-out photographs"].series] == [(1, 2, 3)] * 2
    (gallery,) = (section for section in document.sections if section.kind == "pictures")
    assert gallery.captions == ("photograph", "lean", "full")
    monkeypatch.setattr(Trainer, "_take_step", lambda _: pytest.fail("a finished run went on"))
    assert command().exit_code == 0


def test_the_same_command_goes_on_after_ctrl_c(command, tmp_path, ctrl_c) -> None:
    with ctrl_c(lambda trainer: not trainer.settings.architecture.separable and trainer.step == 1):
        result = command()
    assert result.exit_code == 130
    assert "the same command continues" in result.output
    assert RunRecord.read(tmp_path / "runs/full").step == 2
    assert command().exit_code == 0
    assert RunRecord.read(tmp_path / "runs/full").step == 3


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--size", "huge"], "no size huge; there are lean, full"),
        (["--crop", "66"], "multiple of 4"),
        (["--style", "nameless.png"], "not of the form name=file"),
        (["--steps", "4"], "another folder"),
    ],
)
def test_mistakes_end_with_a_sentence(command, more, sentence, tmp_path, photos) -> None:
    if "--steps" in more:
        command("--size", "lean")
    assert_refused(command(*more), sentence)


def test_photographs_too_few_to_judge_on_end_with_a_sentence(command, photos, tmp_path) -> None:
    for path in sorted(photos.iterdir())[3:]:
        path.unlink()
    assert_refused(command(), "no held-out")
    assert not (tmp_path / "runs").exists()
