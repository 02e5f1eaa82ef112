"""The command line finds its commands, loads no more than it needs, and explains settings that are wrong."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from registry import catalogue
from serve_app.command_line import command_line

ROOT = Path(__file__).parents[3]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
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


def commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Every command that is no group, with the words that call it."""
    if not hasattr(command, "list_commands"):
        yield " ".join(path), command
        return
    for name in command.list_commands(None):
        found = command.get_command(None, name)
        assert found.name == name, "the help of the group would list another name"
        yield from commands(found, *path, name)


def test_every_command_and_option_is_explained_in_whole_paragraphs_with_an_example() -> None:
    wrong: list[str] = []
    for words, command in commands(get_command(command_line([])), "masquerade"):
        wrong += [f"{words}: no example"] if words not in (command.epilog or "") else []
        # Typer keeps line breaks within the paragraphs after the first.
        broken = any("\n" in part for part in inspect.cleandoc(command.help).split("\n\n")[1:])
        wrong += [f"{words}: a broken paragraph"] if broken else []
        wrong += [f"{words}: {one.name} is not explained" for one in command.params if not one.help]
        wrong += [f"{words}: {one.name} is the whole program's" for one in command.params if "completion" in one.name]
    assert not wrong


@pytest.mark.parametrize(
    "name", ["bot", "check", "demo", "diff", "doctor", "render", "serve", "simulate", "stats", "top"]
)
def test_a_module_of_one_command_is_no_group(name: str) -> None:
    assert not hasattr(get_command(command_line([name])).commands[name], "commands")


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


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_signs_is_told_all_the_same(encoding: str, tmp_path: Path) -> None:
    plain = {"PYTHONIOENCODING": encoding, "MASQUERADE_DATA_DIR": str(tmp_path), "COLUMNS": "200"}
    command = [sys.executable, "-m", "serve_app"]
    told = subprocess.run(
        [*command, "doctor"], capture_output=True, cwd=ROOT, env=os.environ | plain, check=False, timeout=120
    )
    assert (told.returncode, told.stderr) == (1, b"")
    said = told.stdout.decode(encoding)
    assert "  + Python 3." in said
    assert "  x No models in " in said
    helped = subprocess.run([*command, "--help"], capture_output=True, cwd=ROOT, env=os.environ | plain, timeout=120)
    assert (helped.returncode, helped.stderr) == (0, b"")
    assert "masquerade models list" in helped.stdout.decode(encoding)


def in_a_shell(line: str) -> subprocess.CompletedProcess[str]:
    """What becomes of a command whose streams are as ``line`` has them."""
    shell = ["sh", "-c", line.replace("masquerade", f"{shlex.quote(sys.executable)} -m serve_app", 1)]
    return subprocess.run(shell, capture_output=True, text=True, cwd=ROOT, check=False, timeout=120)


@pytest.mark.parametrize("closed", [">&-", "<&-", ">&- <&-", ">&- <&- 2>&-"])
def test_a_stream_that_is_closed_is_an_empty_one(closed: str) -> None:
    outcome = in_a_shell(f"masquerade models list --available {closed}")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert ("buffalo-l" in outcome.stdout) is (">&-" not in closed.split())


def test_nobody_is_asked_who_cannot_answer() -> None:
    outcome = in_a_shell("masquerade models pull buffalo-l <&-")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("buffalo-l@v1 comes under ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
@pytest.mark.parametrize("command", ["doctor", "--help", "models list --available"])
def test_output_that_finds_no_room_ends_a_command_in_a_sentence(command: str) -> None:
    outcome = in_a_shell(f"masquerade {command} >/dev/full")
    assert outcome.returncode == 1
    assert re.search("No space left|disk is full", outcome.stderr)
    assert outcome.stderr.count("\n") == 1


# What takes seconds to import, or must not be imported before the studio has set its environment.
HEAVY = {"aiogram", "aiohttp", "faiss", "onnxruntime", "ray", "sqlalchemy", "torch", "transformers"}


def test_listing_the_commands_imports_none_of_what_they_work_with() -> None:
    code = "import sys; from serve_app.command_line import command_line; command_line([]); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    assert "training.style.cli" in loaded.split()
    assert HEAVY & set(loaded.split()) == set()


# As where a package is not installed, which torch is not after `make demo`.
WITHOUT = """
import sys
from serve_app.command_line import run

class Missing:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
run(sys.argv[2:])
"""


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT, package, *arguments]
    wide = os.environ | {"COLUMNS": "120"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=wide, check=False, timeout=120)


@pytest.mark.parametrize(
    ("package", "group", "command", "other"),
    [("prometheus_client", [], "top", "doctor"), ("torch", ["eval"], "style", "lookalike")],
)
def test_help_lists_what_lacks_a_package_beside_what_does_not(
    package: str, group: list[str], command: str, other: str
) -> None:
    outcome = without(package, *group, "--help")
    assert outcome.returncode == 0
    assert f"{command} " in outcome.stdout
    assert f"Needs {package}, which is not installed." in " ".join(outcome.stdout.split())
    assert f"{other} " in outcome.stdout


@pytest.mark.parametrize("arguments", [[], ["style"], ["style", "add"]])
def test_what_a_command_is_for_is_told_where_its_package_is_not_installed(arguments: list[str]) -> None:
    outcome = without("torch", *arguments, "--help")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "style " in outcome.stdout


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("torch", ["style", "add", "README.md", "--name", "wreck", "--photos", "docs"]),
        ("torch", ["eval", "style", "--help"]),
        ("aiogram", ["bot"]),
        ("faiss", ["gallery", "report", "--name", "actors"]),
        ("sqlalchemy", ["keys", "list"]),
    ],
)
def test_a_command_that_lacks_a_package_says_which_and_what_to_do(package: str, arguments: list[str]) -> None:
    outcome = without(package, *arguments)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"{package} is not installed, which this command needs.")
    assert "sh deploy/install.sh dev" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_word_that_is_no_command_is_told_without_torch_too() -> None:
    outcome = without("torch", "styl")
    assert outcome.returncode == 2
    assert "No such command 'styl'" in outcome.stderr


def test_what_goes_into_a_pipe_can_be_searched() -> None:
    """Folded at the width of a terminal that is not there, names stood in two lines."""
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "serve_app", "models", "list", "--available"]
    listed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True, timeout=120)
    assert any("buffalo-l@v1" in line and "InsightFace-non-commercial" in line for line in listed.stdout.splitlines())


@pytest.mark.parametrize(("columns", "ruled"), [(120, True), (60, False), (40, False)])
def test_names_and_versions_are_whole_in_a_terminal_of_any_width(columns: int, *, ruled: bool) -> None:
    lines = run("models", "list", "--available", COLUMNS=str(columns)).stdout.splitlines()
    assert any("───" in line for line in lines) is ruled
    for entry in catalogue.known():
        assert any(entry.ref in line.split() for line in lines)
    assert all(len(line) <= columns for line in lines)
