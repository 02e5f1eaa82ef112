from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from training.evaluation import cli, table
from training.evaluation.report import Report


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command, in whose place ``values`` are measured for the figures that have to be at most 1."""
    app = typer.Typer()
    app.command()(table.main)
    (tmp_path / "data").mkdir()

    def go(*options: str, status: int | None = None, **values: float):
        measured = []

        def measure(command: list[str], check: bool) -> subprocess.CompletedProcess[str]:
            name = command[4]
            measured.append(name)
            report = Report(name, "")
            report.figure("loss", values.get(name.replace("-", "_"), 0.5), at_most=1)
            report.figure("told but not barred", 5)
            if status is None:
                report.write(tmp_path / "reports" / name)
            return subprocess.CompletedProcess(command, status if status is not None else 3)

        monkeypatch.setattr(subprocess, "run", measure)
        folders = ["--data", str(tmp_path / "data"), "--reports", str(tmp_path / "reports")]
        return CliRunner().invoke(app, [*folders, *options]), measured

    return go


def test_the_table_holds_every_bar_of_every_evaluation(run) -> None:
    result, measured = run()
    assert result.exit_code == 0, result.output
    assert measured == ["style", "style-add", "authenticity"]
    assert result.output.count("loss") == 3
    assert "not barred" not in result.output


def test_one_figure_under_its_bar_fails_the_whole(run) -> None:
    result, _ = run(style_add=1.5)
    assert result.exit_code == 3
    assert result.output.count("missed") == 1
    assert result.output.count("met") == 2


def test_recorded_reports_are_shown_without_measuring(run) -> None:
    run(style=2.0)
    result, measured = run("--recorded")
    assert result.exit_code == 3
    assert measured == []


def test_one_evaluation_can_be_measured_alone(run) -> None:
    run()
    result, measured = run("--only", "style-add")
    assert result.exit_code == 0
    assert measured == ["style-add"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--only", "weather"), "no evaluation weather"),
        (("--data", "nowhere"), "no research data at nowhere"),
        (("--recorded",), "measure it first"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(run, options, sentence) -> None:
    result, _ = run(*options)
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())


def test_an_evaluation_that_breaks_off_breaks_this_off(run) -> None:
    result, measured = run(status=1)
    assert result.exit_code == 1
    assert measured == ["style"]
    assert "ended with status 1" in " ".join(result.output.split())


def test_every_command_is_one_there_is() -> None:
    for evaluation in table.evaluations(Path("data"), Path("reports"), Path("runs")):
        assert evaluation.command[0] in cli.EVALUATIONS
