"""How a drill says how far it is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Tell = Callable[[str, int, int], None]
"""What is going on, how much of it is done, and how much there is."""


@contextlib.contextmanager
def telling(title: str, console: Console) -> Iterator[Tell]:
    """A progress bar until the block ends."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(title, total=None)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(bar, description=f"{title}: {what}", completed=done, total=total)

        yield tell


def say(line: str) -> None:
    """Print a line for whoever runs the drill, also while what others print goes elsewhere."""
    print(line, file=sys.__stdout__, flush=True)
