"""What the commands of this room tell of a run that ended early: what goes on with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.logging import RichHandler

from training.failures import Failure, in_words
from training.stopping import Stopped
from training.style.failures import DeviceLost
from training.terminal import console, explained


@contextmanager
def told_plainly(again: str = "the same command with --resume") -> Iterator[None]:
    """As :func:`~training.terminal.explained`; ``again`` is what goes on with a run that stopped, or lost its GPU.

    Warnings, such as of photographs that are skipped, go above the progress bars.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[RichHandler(console=console)])
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
