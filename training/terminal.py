"""How every command of this package tells what went wrong, and the statuses they end with.

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

from deployments.errors import MasqueradeError
from deployments.runtime import DeviceUnavailable
from registry.errors import RegistryError
from training.failures import Failure, in_words

errors = Console(stderr=True)


@contextmanager
def explained() -> Iterator[None]:
    """Known failures become one sentence on standard error and exit status 1."""
    try:
        yield
    except (ValueError, OSError, ImportError, RegistryError, MasqueradeError, DeviceUnavailable, Failure) as error:
        errors.print(in_words(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error
