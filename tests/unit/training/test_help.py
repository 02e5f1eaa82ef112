"""What `--help` of the training commands says."""

from __future__ import annotations

import shlex
from importlib import import_module

import pytest
import typer
from typer.testing import CliRunner

COMMANDS = [
    "authenticity.baseline",
    "authenticity.train",
    "evaluation.table",
    "moderation.quantise",
    "style.evaluate",
    "style.export",
    "style.loss_network",
    "style.prediction.evaluate",
    "style.prediction.export",
    "style.prediction.reproduce",
    "style.prediction.train",
    "style.reproduce",
    "style.train",
    "style.twin",
]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_whose_options_there_are(name: str) -> None:
    module = import_module(f"training.{name}")
    command = typer.main.get_command(module.app)
    options = {option for parameter in command.params for option in parameter.opts}
    epilog = command.epilog
    assert epilog is not None
    examples = epilog.split("python -m ")[1:]
    assert examples
    for example in examples:
        module_named, *given = shlex.split(example, comments=True)
        assert module_named == module.__name__
        assert {word for word in given if word.startswith("--")} <= options
    assert CliRunner().invoke(module.app, ["--help"]).exit_code == 0
