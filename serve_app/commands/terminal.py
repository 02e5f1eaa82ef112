"""What every command shares of the terminal: the consoles, progress bars, and failures told in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from registry.integrity import disk_full
from registry.sources import Progress as Report
from serve_app.wording import faults

# Into a file or another program tables are not folded at the width of a terminal that is not there: nobody could search them.
PIPED_WIDTH = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200

console = Console(width=PIPED_WIDTH)
errors = Console(stderr=True)

# Colour alone tells nothing where there is none, nor a sign that the terminal's encoding does not have.
GOOD, BAD, NOTE = ("+", "x", "-") if console.options.ascii_only else ("✓", "✗", "·")


@contextmanager
def exits_on(*kinds: type[Exception], status: int = 1) -> Iterator[None]:
    """Errors of these kinds are told on standard error, and end the command with ``status``."""
    try:
        yield
    except kinds as error:
        complain(sentence(error))
        raise typer.Exit(status) from error


def complain(text: str) -> None:
    """Say on standard error what went wrong; ``text`` is printed as it is, brackets and all."""
    errors.print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def sentence(error: Exception) -> str:
    """What an error says to a person: of a document, everything that is wrong with it, and where."""
    match error:
        case ValidationError():
            told = [f"{'.'.join(map(str, place))}: {said}" if place else said for place, said in faults(error)]
            return f"{'; '.join(told)}."
        case OSError() if disk_full(error):
            # Of a copy the second is what could not be written.
            name = error.filename2 or error.filename
            where = "" if name is None else f" ({name})"
            return f"The disk is full{where}: free some space, and give the command again."
        case OSError(strerror=str(reason), filename=name) if name is not None:
            return f"{name}: {reason}."
        case _:
            return str(error)


def at_a_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty()


@contextmanager
def download_progress() -> Iterator[Report]:
    """Yields what to hand to ``registry.pull``: one bar for each thing downloaded, gone again at the end."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def report(label: str, done: int, total: int | None) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=total)
            bars.update(tasks[label], completed=done, total=total)

        yield report
