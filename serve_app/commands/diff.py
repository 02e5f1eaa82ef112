"""``masquerade diff``: the running graph against its configuration file and against its store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from serve_app.commands.remote import NoAnswer, RemoteStudio, UrlOption
from serve_app.commands.terminal import complain, console, exits_on
from serve_app.settings import Settings
from serve_app.topology import GRAPH
from serve_app.versions.documents import LiveConfiguration, Models
from serve_app.versions.drift import Difference, application, differences, misplaced, without_versions

app = typer.Typer()


@app.command(epilog="Examples:  masquerade diff  ·  masquerade diff serve_config.yaml --url https://studio.example")
def diff(
    file: Annotated[
        Path | None, typer.Argument(help="Configuration file to compare with.", exists=True, dir_okay=False)
    ] = None,
    url: UrlOption = None,
) -> None:
    """Show where the running graph is not what it should be. Exits 1 when anything differs.

    Reads the admin key from MASQUERADE_ADMIN_KEY.

    Which versions serve is compared with the store; with a FILE, the deployments' options are compared with it too.
    """
    settings = Settings()
    if settings.admin_key is None:
        complain("The live configuration is for admins; set MASQUERADE_ADMIN_KEY.")
        raise typer.Exit(2)
    studio = RemoteStudio(settings, url)
    with exits_on(NoAnswer, OSError, ValueError, status=2):
        wanted = None if file is None else application(file, GRAPH)
        found = misplaced(studio.ask("/v1/models", Models))
        if wanted is not None:
            live = studio.ask("/v1/config", LiveConfiguration).configuration
            found += differences(without_versions(wanted), live)
    if not found:
        console.print("Nothing differs.")
        return
    console.print(_table(found))
    raise typer.Exit(1)


def _table(found: list[Difference]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("what", "should be", "is"):
        table.add_column(title, overflow="fold")
    for row in found:
        # As plain text: a list in brackets would be taken for markup.
        table.add_row(*map(Text, row))
    return table
