"""``masquerade render``: write the deployment files from their one typed source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from serve_app.rendering import render_serve_config
from serve_app.telemetry.dashboards import DASHBOARDS, render_dashboard

app = typer.Typer()


@app.callback(invoke_without_command=True, epilog="Example:  masquerade render && git diff serve_config.yaml")
def render(
    folder: Annotated[Path, typer.Argument(help="Where to write.", file_okay=False)] = Path(),
) -> None:
    """Write ``serve_config.yaml`` and the Grafana dashboards into FOLDER (default: here)."""
    files = {"serve_config.yaml": render_serve_config()}
    files |= {f"deploy/grafana/{dashboard.uid}.json": render_dashboard(dashboard) for dashboard in DASHBOARDS}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {path}")
