"""``masquerade render``: write the deployment files from their one typed source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serve_app.rendering import render_serve_config

app = typer.Typer()


@app.callback(invoke_without_command=True, epilog="Example:  masquerade render && git diff serve_config.yaml")
def render(
    folder: Annotated[Path, typer.Argument(help="Where to write.", file_okay=False)] = Path(),
) -> None:
    """Write ``serve_config.yaml`` into FOLDER (default: here)."""
    path = folder / "serve_config.yaml"
    path.write_text(render_serve_config(), encoding="utf-8")
    typer.echo(f"wrote {path}")
