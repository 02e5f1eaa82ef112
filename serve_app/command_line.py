"""``masquerade``: one command line whose sub-commands are found through the ``masquerade.commands`` entry points.

Rooms above this one (the bot, training) bring their commands without being imported from here, and a command's module
is only loaded when it is asked for. A module of one command is that command; one of several, or with a callback, is a
group of them under the entry point's name. What needs a package that is not installed is listed all the same, and says so
when it is called.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from serve_app.settings import variable
from serve_app.wording import faults

GROUP = "masquerade.commands"

REMEDY = "Run, in the project's folder: sh deploy/install.sh dev   (everything there is, torch included)"

EPILOG = "Examples:  masquerade demo  ·  masquerade models list  ·  masquerade doctor  ·  masquerade serve --port 8080"


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """The application for these arguments: the one command they name, or all of them when they name none."""
    app = typer.Typer(epilog=EPILOG, no_args_is_help=True, pretty_exceptions_enable=False)

    @app.callback()
    def _root() -> None:
        """A self-hosted portrait studio."""

    commands = {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}
    named = arguments[0] if arguments else ""
    for entry in [commands[named]] if named in commands else commands.values():
        try:
            loaded: typer.Typer = entry.load()
        except ModuleNotFoundError as error:
            loaded = _absent(entry.name, error)
        app.add_typer(loaded, name=None if _is_one_command(loaded) else entry.name)
    return app


def _is_one_command(app: typer.Typer) -> bool:
    return app.registered_callback is None and len(app.registered_commands) == 1


def _absent(name: str, error: ModuleNotFoundError) -> typer.Typer:
    """A command that stands for one that cannot be loaded, whatever its arguments are."""
    app = typer.Typer()

    @app.command(
        name,
        help=f"Needs {error.name}, which is not installed.",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    )
    def _tell() -> None:
        raise error

    return app


def run(arguments: Sequence[str]) -> None:
    """Run what the arguments name, and end the process.

    Settings that are wrong are named, with status 2; a package that is missing, with status 1.
    """
    try:
        command_line(arguments)(arguments, prog_name="masquerade")
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{error.name} is not installed, which this command needs. {REMEDY}\n")
        sys.exit(1)
    except SettingsError as error:
        # What is wrong with one variable stands behind the word that one of them is wrong.
        sys.stderr.write(f"{error.__cause__ if isinstance(error.__cause__, SettingsError) else error}\n")
        sys.exit(2)
    except ValidationError as error:
        # Settings come from variables and options of every command; what is wrong with them is said in one place.
        for place, said in faults(error):
            sys.stderr.write(f"{variable(*place) if place else error.title}: {said}\n")
        sys.exit(2)
