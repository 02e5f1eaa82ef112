"""What the commands that work on a store of model versions share: which one, who asks, and what is said of it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated

import typer
import yaml
from rich import box
from rich.cells import cell_len
from rich.markup import render
from rich.padding import Padding
from rich.table import Column, Table

from registry.errors import RegistryError
from registry.sources import Progress, silent
from registry.store import Store
from serve_app.commands.terminal import console, download_progress, exits_on
from serve_app.settings import Settings

# How wide a column of sentences is at least, and how far columns are apart.
_FOLDED, _BETWEEN = 10, 3

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        show_default="MASQUERADE_MODELS_URL or MASQUERADE_MODELS_DIR, else var/models",
        help="Where the model versions are: a folder, or s3://bucket/prefix.",
    ),
]


def reason(text: str) -> str:
    """``text``, unless it is blank: every decision in the audit trail has a reason."""
    if not text.strip():
        raise typer.BadParameter("give the reason, for the audit trail")
    return text


WhyOption = Annotated[str, typer.Option("--why", help="The reason, for the audit trail.", callback=reason)]


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


def explained() -> AbstractContextManager[None]:
    """What can go wrong with stores and the files that go into them is told in one sentence, with exit status 1."""
    return exits_on(RegistryError, OSError, ValueError, yaml.YAMLError)


@contextmanager
def moving(store: Store) -> Iterator[Progress]:
    """A progress bar for every file that travels to or from the store, and for what is reported besides."""
    with download_progress() as report:
        store.progress = report
        try:
            yield report
        finally:
            store.progress = silent


def new_table(*titles: str) -> Table:
    """A table as all these commands draw theirs; :func:`print_table` draws it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=title not in {"licence", "why", "terms"}, overflow="fold")
    return table


def print_table(table: Table) -> None:
    """Print a table that has titles, or, where the terminal is too narrow to have its names whole, a paragraph for each row."""
    if sum(map(_width, table.columns)) + _BETWEEN * len(table.columns) <= console.width:
        console.print(table)
        return
    for first, *rest in zip(*(column.cells for column in table.columns), strict=True):
        console.print(first, highlight=False, soft_wrap=True)
        named = zip((column.header for column in table.columns[1:]), rest, strict=True)
        told = ", ".join(f"[dim]{title}[/] {cell}" for title, cell in named if cell)
        console.print(Padding(told, (0, 0, 0, 2)), highlight=False)


def _width(column: Column) -> int:
    """What a column needs; of one that is folded, what is still read with ease."""
    return (
        max(cell_len(str(render(str(cell)))) for cell in (column.header, *column.cells)) if column.no_wrap else _FOLDED
    )


def installed(store: Store) -> list[str]:
    """Every version there is, as ``name@version``."""
    return [f"{model}@{version}" for model in store.models() for version in store.versions(model)]
