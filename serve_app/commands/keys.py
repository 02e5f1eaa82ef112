"""``masquerade keys``: who may call the HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table

from serve_app.access.scopes import ADMIN, SCOPES
from serve_app.commands.terminal import complain, console, errors, exits_on
from serve_app.settings import Settings

if TYPE_CHECKING:
    from serve_app.access.keys import KeyBook

app = typer.Typer(
    no_args_is_help=True,
    help="API keys: create, list, revoke.",
    epilog="Examples:  masquerade keys create gallery-app --scope style --scope jobs  ·  masquerade keys revoke 3f…",
)
T = TypeVar("T")


@app.command(epilog="Example:  KEY=$(masquerade keys create gallery-app --scope style --per-minute 120)")
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, for the list.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it opens, repeatable: {', '.join(SCOPES)}. A job needs jobs and the scope of its kind. "
            "Default: all but admin."
        ),
    ] = None,
    per_minute: Annotated[int, typer.Option(min=1, max=1_000_000, help="Calls a minute in the long run.")] = 60,
    burst: Annotated[int, typer.Option(min=1, max=1_000_000, help="Calls at once.")] = 20,
) -> None:
    """Make a key and print it. It is shown this once: only its hash is stored."""
    scopes = scope or [known for known in SCOPES if known != ADMIN]
    with exits_on(ValueError, status=2):
        key, text = _told(lambda book: book.issue(name, scopes, per_minute=per_minute, burst=burst))
    typer.echo(text)
    errors.print(
        f"[dim]Shown once. Id {key.id}, opens {', '.join(key.scopes)}; {per_minute} a minute, {burst} at once.[/]"
    )


@app.command("list", epilog="Example:  masquerade keys list")
def list_keys() -> None:
    """Show every key: its id, what it opens and when it was last used."""
    keys = _told(lambda book: book.all())
    if not keys:
        console.print("There are no keys yet: masquerade keys create NAME")
        return
    table = Table(box=None, header_style="bold")
    for column in ("id", "name", "opens", "a minute", "at once", "created", "last used", ""):
        table.add_column(column, overflow="fold")
    for key in keys:
        gone = "" if key.revoked is None else f"[red]revoked {_day(key.revoked)}[/]"
        rate = f"{key.rate.per_s * 60:.0f}", str(key.rate.burst)
        table.add_row(key.id, key.name, ", ".join(key.scopes), *rate, _day(key.created), _day(key.used), gone)
    console.print(table)


@app.command(epilog="Example:  masquerade keys revoke 3f…")
def revoke(key_id: Annotated[str, typer.Argument(help="The id, as `masquerade keys list` shows it.")]) -> None:
    """Let a key open nothing from now on."""
    if not _told(lambda book: book.revoke(key_id)):
        complain(f"There is no such key that is still good: {key_id}")
        raise typer.Exit(1)
    console.print(f"Revoked {key_id}.")


def _told(ask: Callable[[KeyBook], Awaitable[T]]) -> T:
    """What the studio's book of keys answers."""
    # Imported here: the database takes half a second to load, and listing the commands needs none.
    from serve_app.access.opening import opened
    from serve_app.database import NoDatabase

    async def answer() -> T:
        async with opened(Settings()) as book:
            return await ask(book)

    with exits_on(NoDatabase):
        return asyncio.run(answer())


def _day(moment: float | None) -> str:
    return "never" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")
