"""Ctrl-C while a command is still importing what it works with ends it as it does later: quietly, with status 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Stands in for a library whose import takes its time. A shell may have started the tests with Ctrl-C switched off.
SLOW_IMPORT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
print("importing", flush=True)
while True:
    pass
"""


@pytest.mark.parametrize("module", ["serve_app", "training.style.train"])
def test_ctrl_c_while_a_command_is_importing_ends_it_quietly(tmp_path: Path, module: str) -> None:
    (tmp_path / "typer.py").write_text(SLOW_IMPORT)
    command = subprocess.Popen(
        [sys.executable, "-m", module, "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
    )
    with command:
        assert command.stdout is not None
        assert command.stdout.readline() == "importing\n"
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=60)
    assert said == ""
    assert command.returncode == 130


def test_another_failure_of_an_import_is_still_told(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ImportError('typer is broken')")
    outcome = subprocess.run(
        [sys.executable, "-m", "training.style.train"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
        check=False,
    )
    assert outcome.returncode == 1
    assert "typer is broken" in outcome.stderr


@pytest.mark.parametrize(
    ("package", "command"), [("torch", "training.style.train"), ("cv2", "training.evaluation.table")]
)
def test_a_package_that_is_not_installed_is_named_with_what_installs_it(
    tmp_path: Path, package: str, command: str
) -> None:
    (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('No module named it', name={package!r})")
    outcome = subprocess.run(
        [sys.executable, "-m", command, "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
        check=False,
    )
    assert outcome.returncode == 1
    assert outcome.stderr == (
        f"{package} is not installed, which this command needs: sh deploy/install.sh dev installs everything\n"
    )
