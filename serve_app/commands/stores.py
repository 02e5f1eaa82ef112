"""What the commands that work on a store of model versions share: which one, who asks, and how it is told."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
import yaml
from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.table import Table

from registry.errors import RegistryError
from registry.sources import Progress, silent
from registry.store import Store
from serve_app.commands.progress import download_progress
from serve_app.settings import Settings

console = Console()
errors = Console(stderr=True)

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        show_default="MASQUERADE_MODELS_URL or MASQUERADE_MODELS_DIR, else var/models",
        help="Where the model versions are: a folder, or s3://bucket/prefix.",
    ),
]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, for the audit trail.")]


def open_store(where: str | None) -> Store:
    """The store an option names, or the one in the settings."""
    settings = Settings()
    return (settings.model_store if where is None else settings.store_at(where)).open()


def who() -> str:
    """Who asks, for the audit trail: ``MASQUERADE_USER``, or the login name."""
    try:
        return os.environ.get("MASQUERADE_USER", "").strip() or getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have a number and no name.
        return f"uid {os.getuid()}"


@contextmanager
def explained() -> Iterator[None]:
    """Turn what can go wrong into one sentence and exit status 1."""
    try:
        yield
    except (RegistryError, OSError, ValueError, yaml.YAMLError) as error:
        errors.print(sentence(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


@contextmanager
def moving(store: Store) -> Iterator[Progress]:
    """A progress bar for every file that travels to or from the store, and for what is reported besides."""
    with download_progress(console) as report:
        store.progress = report
        try:
            yield report
        finally:
            store.progress = silent


def new_table(*titles: str) -> Table:
    """A table as all these commands draw theirs."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=title not in {"licence", "why", "terms"}, overflow="fold")
    return table


def sentence(error: Exception) -> str:
    """What an error says to a person: of several things wrong with a document, the first and where it is."""
    match error:
        case ValidationError():
            first = error.errors()[0]
            message = first["msg"].removeprefix("Value error, ")
            return f"{'.'.join(map(str, first['loc']))}: {message}." if first["loc"] else f"{message}."
        case OSError(strerror=str(reason), filename=name) if name is not None:
            return f"{name}: {reason}."
        case _:
            return str(error)
