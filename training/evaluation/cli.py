"""``masquerade eval``: one report for each thing the studio claims to do."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

EVALUATIONS: Final[Mapping[str, str]] = {
    "authenticity": "training.authenticity.evaluate",
    "faces": "training.evaluation.faces",
    "lookalike": "training.evaluation.lookalike",
    "moderation": "training.evaluation.moderation",
    "style": "training.style.comparison",
    "style-add": "training.style.addition",
    "swap": "training.evaluation.swap",
}
"""Sub-command to the module whose ``app`` it is: a Typer application of one command that ends with
:func:`training.evaluation.terminal.conclude`."""


class _Evaluations(TyperGroup):
    """Imports the module of a sub-command when it is asked for: they bring torch and more with them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(EVALUATIONS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in EVALUATIONS:
            return None
        try:
            command = get_command(import_module(EVALUATIONS[cmd_name]).app)
        except ModuleNotFoundError as error:
            command = _absent(error)
        command.name = cmd_name
        return command


def _absent(error: ModuleNotFoundError) -> Any:
    """A command that stands for one whose packages are not all installed; the command line tells what to do."""
    app = typer.Typer(add_completion=False)

    @app.command(
        help=f"Needs {error.name}, which is not installed.",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    )
    def _tell() -> None:
        raise error

    return get_command(app)


app = typer.Typer(
    cls=_Evaluations,
    help="Measure a capability on data of your own; writes report.html and report.json.",
    epilog="Examples:  masquerade eval authenticity pictures/  ·  masquerade eval authenticity --help",
    no_args_is_help=True,
)


@app.callback()
def _root() -> None:
    """Measure a capability on data of your own."""
