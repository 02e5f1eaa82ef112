"""How the commands of training tell what went wrong, and the statuses they end with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from deployments.runtime import DeviceUnavailable
from registry.errors import UnknownModelVersion
from training.evaluation.report import Report
from training.gallery.polite import Unreachable
from training.stopping import Stopped
from training.style.failures import DeviceLost, EncoderUnavailable, Mistake
from training.style.terminal import told_plainly
from training.terminal import explained


def test_what_the_system_refuses_is_told_without_its_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), explained():
        (tmp_path / "me.jpg").read_bytes()
    said = " ".join(capsys.readouterr().err.split())
    assert said.endswith("me.jpg: No such file or directory")
    assert "Errno" not in said


@pytest.mark.parametrize("told", [explained, told_plainly])
@pytest.mark.parametrize("kind", [Mistake, UnknownModelVersion, DeviceUnavailable, EncoderUnavailable, Unreachable])
def test_every_room_ends_with_one_sentence_and_the_same_status(told, kind, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "there is no [wave] in " + "a long name of a folder/" * 9
    with pytest.raises(typer.Exit) as ended, told():
        raise kind(sentence)
    assert ended.value.exit_code == 1
    assert capsys.readouterr() == ("", f"{sentence}\n")


@pytest.mark.parametrize(
    ("failure", "status", "sentence"),
    [
        (OSError(28, "No space left on device"), 1, "No space left on device; what was saved before is kept"),
        (DeviceLost("the GPU is gone"), 1, "the GPU is gone; it again continues from the last checkpoint"),
        (Stopped(), 130, "stopped; it again continues"),
    ],
)
def test_of_a_run_it_is_told_what_goes_on_with_it(
    failure: Exception, status: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended, told_plainly(again="it again"):
        raise failure
    assert ended.value.exit_code == status
    assert capsys.readouterr().err == f"{sentence}\n"


@pytest.mark.parametrize("told", [explained, told_plainly])
def test_a_package_that_is_missed_in_the_middle_is_named_with_what_installs_it(told, capsys) -> None:
    with pytest.raises(typer.Exit) as ended, told():
        raise ModuleNotFoundError("No module named 'insightface'", name="insightface")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err.startswith("insightface is not installed, which this command needs: sh deploy")


def test_a_terminal_that_is_not_utf_8_is_told_the_same_with_question_marks(tmp_path: Path) -> None:
    report = Report("Style transfer", "")
    report.figure("distance of the crêpe", 1, at_most=2)
    report.write(tmp_path / "style")
    command = ["-m", "training.evaluation.table", "--recorded", "--only", "style", "--reports", str(tmp_path)]
    outcome = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert "distance of the cr?pe" in outcome.stdout
