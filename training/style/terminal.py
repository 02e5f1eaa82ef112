"""What the commands of this room show on a terminal: progress, and of a run that ended early what goes on with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.failures import Failure, in_words
from training.style.failures import DeviceLost, Stopped
from training.terminal import explained

console = Console(stderr=True)


def bar() -> Progress:
    """A bar with counts, the time taken and the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


@contextmanager
def told_plainly(again: str = "the same command with --resume") -> Iterator[None]:
    """As :func:`~training.terminal.explained`; ``again`` is what goes on with a run that stopped, or lost its GPU."""
    with explained():
        try:
            yield
        except OSError as error:
            raise Failure(f"{in_words(error)}; what was saved before is kept") from error
        except DeviceLost as error:
            raise Failure(f"{error}; {again} continues from the last checkpoint") from error
        except Stopped:
            console.print(f"stopped; {again} continues")
            raise typer.Exit(130) from None
