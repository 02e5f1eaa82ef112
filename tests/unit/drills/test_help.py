"""What `--help` of benchmarks and drills says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "module",
    ["benchmarks.dashboards", "benchmarks.faces", "benchmarks.faces.search", "benchmarks.faces.swap",
     "benchmarks.speed.plot", "drills.bot", "drills.cluster", "drills.cluster.prediction", "drills.versions"],
)  # fmt: skip
def test_help_says_how_the_command_is_called(module: str) -> None:
    command = [sys.executable, "-m", module, "--help"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=120).stdout
    assert f"usage: python -m {module} " in told.lower()
    assert "completion" not in told, "that is the whole program's"
