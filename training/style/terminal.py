"""What the commands of this room show on a terminal: progress, and failures in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from registry.errors import RegistryError
from training.failures import in_words
from training.style.encoders import EncoderUnavailable

console = Console(stderr=True)


class Mistake(ValueError):
    """Something the person at the keyboard can put right; the message says what."""


class Stopped(Exception):
    """Somebody asked the run to stop."""


class DeviceLost(Exception):
    """The GPU failed in the middle of a run, with everything that lay in its memory; the message says how."""


def bar() -> Progress:
    """A bar with counts, the time taken and the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console)


@contextmanager
def told_plainly(again: str = "the same command with --resume") -> Iterator[None]:
    """End with a sentence where a traceback would say no more. ``again`` is what goes on with a run that stopped."""
    try:
        yield
    except (ValueError, RegistryError, EncoderUnavailable) as error:
        console.print(f"[red]{escape(str(error))}[/red]", highlight=False)
        raise typer.Exit(2) from error
    except OSError as error:
        console.print(f"[red]{escape(in_words(error))}; what was saved before is kept[/red]", highlight=False)
        raise typer.Exit(1) from error
    except DeviceLost as error:
        console.print(f"[red]{escape(str(error))}[/red]; {again} continues from the last checkpoint", highlight=False)
        raise typer.Exit(1) from error
    except Stopped:
        console.print(f"stopped; {again} continues")
        raise typer.Exit(130) from None
