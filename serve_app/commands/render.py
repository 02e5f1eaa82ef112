"""``masquerade render``: write the deployment files from their one typed source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serve_app.rendering import rendered

app = typer.Typer()


@app.command(epilog="Examples:  masquerade render && git diff  ·  masquerade render --check")
def render(
    folder: Annotated[Path, typer.Argument(help="Where to write.", file_okay=False)] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when a file differs.")] = False,
) -> None:
    """Write cluster.yaml, serve_config.yaml and everything rendered under deploy/ into FOLDER (default: here)."""
    try:
        stale = _stale(folder, check=check)
    except (OSError, UnicodeDecodeError) as error:
        typer.echo(f"Nothing can be written or compared here: {error}", err=True)
        raise typer.Exit(1) from error
    if check and stale:
        raise typer.Exit(1)
    if not stale:
        typer.echo("everything is as rendered")


def _stale(folder: Path, *, check: bool) -> int:
    """How many files differ from what is rendered; without ``check`` they have been written."""
    stale = 0
    for name, text in rendered().items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        if check:
            typer.echo(f"{path} is not what the code renders; run: masquerade render")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {path}")
    return stale
