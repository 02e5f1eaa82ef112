"""What every command of this package shares of the terminal: where it speaks, progress, and how it tells what went wrong.

The statuses they end with:

- 0: it did what it was asked;
- 1: it was understood, and could not be done: one sentence on standard error says why;
- 2: the command line itself is wrong, and nothing was begun: an option there is not, or a value that it does not take;
- 3: an evaluation ran to its end and found too little (:data:`training.evaluation.terminal.UNDER_A_BAR`);
- 130: somebody stopped it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from deployments.errors import MasqueradeError
from deployments.runtime import DeviceUnavailable
from registry.errors import RegistryError
from training.failures import Failure, in_words

output = Console()
"""For what was asked for."""
console = Console(stderr=True)
"""For what is said besides: progress, and what went wrong."""


def bars() -> Progress:
    """Bars with counts, the time taken and the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


@contextmanager
def explained() -> Iterator[None]:
    """Known failures become one sentence on standard error and exit status 1."""
    try:
        yield
    except (ValueError, OSError, ImportError, RegistryError, MasqueradeError, DeviceUnavailable, Failure) as error:
        console.print(in_words(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
