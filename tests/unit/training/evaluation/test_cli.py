"""``masquerade eval``: sub-commands from the registry, an end that says whether the bars were met."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from training.evaluation import cli
from training.evaluation.report import Report
from training.evaluation.terminal import UNDER_A_BAR, conclude
from training.terminal import explained


@pytest.fixture
def weighing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An evaluation called ``weight``, which reports into the folder returned."""
    module = ModuleType("weighing_evaluation")
    module.app = typer.Typer()

    @module.app.command(help="Weigh something.")
    def weigh(grams: float) -> None:
        with explained():
            if grams < 0:
                raise ValueError("nothing weighs less than nothing")
            report = Report("Weight", "How heavy it is.")
            report.figure("grams", grams, at_most=100)
            conclude(report, tmp_path)

    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(cli, "EVALUATIONS", {"weight": module.__name__})
    return tmp_path


def test_an_evaluation_is_found_by_its_name_and_writes_its_report(weighing: Path) -> None:
    result = CliRunner().invoke(cli.app, ["weight", "80"])
    assert result.exit_code == 0, result.output
    assert (weighing / "report.html").exists()
    assert "met" in result.output


def test_a_figure_under_its_bar_ends_the_command_with_a_status_of_its_own(weighing: Path) -> None:
    result = CliRunner().invoke(cli.app, ["weight", "120"])
    assert result.exit_code == UNDER_A_BAR
    assert (weighing / "report.json").exists()


def test_a_report_that_cannot_be_written_takes_no_figures_with_it(weighing: Path) -> None:
    (weighing / "report.json.partial").mkdir()
    result = CliRunner().invoke(cli.app, ["weight", "80"])
    assert result.exit_code == 1
    assert "80.000" in result.output
    assert "report.json.partial: Is a directory" in result.output.replace("\n", "")


def test_bad_input_is_one_sentence(weighing: Path) -> None:
    result = CliRunner().invoke(cli.app, ["weight", "--", "-1"])
    assert result.exit_code == 1
    assert "nothing weighs less than nothing" in result.output
    assert "Traceback" not in result.output


def test_help_lists_every_evaluation(weighing: Path) -> None:
    assert "Weigh something." in CliRunner().invoke(cli.app, ["--help"]).output


def test_an_unknown_evaluation_is_refused(weighing: Path) -> None:
    assert CliRunner().invoke(cli.app, ["height"]).exit_code == 2


@pytest.mark.parametrize("name", cli.EVALUATIONS)
def test_every_registered_evaluation_can_be_loaded(name: str) -> None:
    result = CliRunner().invoke(cli.app, [name, "--help"])
    assert result.exit_code == 0, result.output
