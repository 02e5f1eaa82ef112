"""``make eval``: every bar in one table, what could not be measured named, and a status that says how it went."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.commands import assert_refused, said
from training.evaluation import cli, table
from training.evaluation.report import Report


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command, in whose place ``values`` are measured for the figures that have to be at most 1.

    ``ends`` are the statuses of the evaluations that end without a report.
    """
    (tmp_path / "data").mkdir()

    def go(*options: str, ends: Mapping[str, int] | None = None, **values: float):
        measured = []

        class Measuring:
            def __init__(self, command: list[str], stdout: int) -> None:
                self.name = command[4]
                measured.append(self.name)

            def wait(self) -> int:
                if self.name in (ends or {}):
                    return ends[self.name]
                report = Report(self.name, "")
                report.figure("loss", values.get(self.name.replace("-", "_"), 0.5), at_most=1)
                report.figure("told but not barred", 5)
                report.write(tmp_path / "reports" / self.name)
                return 3

        monkeypatch.setattr(subprocess, "Popen", Measuring)
        folders = ["--data", str(tmp_path / "data"), "--reports", str(tmp_path / "reports")]
        return CliRunner().invoke(table.app, [*folders, *options]), measured

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


def test_one_evaluation_can_be_measured_and_shown_alone(run) -> None:
    for options, measured in ((("--only", "style-add"), ["style-add"]), (("--only", "style-add", "--recorded"), [])):
        result, found = run(*options)
        assert result.exit_code == 0, result.output
        assert found == measured
        assert result.output.count("loss") == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--only", "weather"), "no evaluation weather; there are style, style-add, authenticity"),
        (("--data", "nowhere"), "no research data at nowhere"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(run, options, sentence) -> None:
    result, _ = run(*options)
    assert_refused(result, sentence)


def test_an_evaluation_that_cannot_be_made_is_named_and_the_others_are_shown(run) -> None:
    run()
    result, measured = run(ends={"style": 1, "style-add": -9})
    words = said(result)
    assert result.exit_code == 1
    assert measured == ["style", "style-add", "authenticity"]
    # The reports of the first run are none of this one's.
    assert (words.count("loss"), words.count("not measured")) == (1, 2)
    assert "style could not be made: masquerade eval style ended with status 1" in words
    assert "style-add could not be made: masquerade eval style-add ended with status -9" in words


def test_a_bar_missed_weighs_more_than_an_evaluation_not_made(run) -> None:
    result, _ = run(ends={"style": 1}, authenticity=2.0)
    assert result.exit_code == 3


def test_a_report_that_is_not_there_or_damaged_is_named_beside_those_there_are(run, tmp_path) -> None:
    run("--only", "style-add", "--only", "authenticity")
    (tmp_path / "reports" / "authenticity" / "report.json").write_text("{")
    result, _ = run("--recorded")
    words = said(result)
    assert result.exit_code == 1
    assert words.count("loss") == 1
    assert "measure it first" in words
    assert "is not an evaluation report" in words


@pytest.mark.parametrize(
    ("left", "asked"),
    [
        ((), set()),
        (("baseline.safetensors",), {"--baseline"}),
        (("run.json",), {"--run"}),
        (("baseline.safetensors", "run.json"), {"--baseline", "--run"}),
    ],
)
def test_the_detector_is_compared_with_what_its_runs_left(tmp_path, left, asked) -> None:
    for name in left:
        (tmp_path / name).touch()
    options = table.evaluations(tmp_path, tmp_path, tmp_path)["authenticity"]
    assert {"--baseline", "--run"} & set(options) == asked


def test_help_shows_examples() -> None:
    assert "training.evaluation.table --only style" in CliRunner().invoke(table.app, ["--help"]).output


def test_ctrl_c_lets_the_evaluation_save_before_the_command_ends(monkeypatch) -> None:
    class Saving:
        waits = 0

        def __init__(self, command: list[str], stdout: int) -> None:
            pass

        def wait(self) -> int:
            Saving.waits += 1
            if Saving.waits == 1:
                raise KeyboardInterrupt
            return 130

    monkeypatch.setattr(subprocess, "Popen", Saving)
    with pytest.raises(KeyboardInterrupt):
        table.measure("style", [])
    assert Saving.waits == 2


def test_every_command_is_one_there_is() -> None:
    assert table.evaluations(Path("data"), Path("reports"), Path("runs")).keys() <= cli.EVALUATIONS.keys()
