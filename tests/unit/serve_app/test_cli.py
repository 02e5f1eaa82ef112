"""The command line finds its commands, loads no more than it needs, and explains settings that are wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    import os

    command = [sys.executable, "-m", "serve_app", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=os.environ | variables, check=False, timeout=120
    )


def test_help_lists_every_command() -> None:
    outcome = run("--help")
    assert outcome.returncode == 0
    for name in ("bot", "demo", "doctor", "gallery", "models", "render", "serve", "stats"):
        assert name in outcome.stdout


@pytest.mark.parametrize("name", ["bot", "demo", "doctor", "gallery", "models", "render", "serve", "stats"])
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    outcome = run(name, "--help")
    assert outcome.returncode == 0
    assert f"masquerade {name}" in outcome.stdout


@pytest.mark.parametrize(
    ("variables", "said"),
    [({"MASQUERADE_PORT": "abc"}, "MASQUERADE_PORT: Input should be a valid integer"),
     ({"MASQUERADE_LIMITS__MAX_BYTES": "7"}, "MASQUERADE_LIMITS__MAX_BYTES"),
     ({"MASQUERADE_ENVIRONMENT": "production"}, "models_dir"),
     ({"MASQUERADE_ADMIN_KEY": "hunter2"}, "too short")],
)  # fmt: skip
def test_settings_that_are_wrong_are_named_without_a_traceback(variables: dict[str, str], said: str) -> None:
    outcome = run("serve", **variables)
    assert outcome.returncode == 2
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert "hunter2" not in outcome.stderr
