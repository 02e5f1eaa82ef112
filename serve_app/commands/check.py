"""``masquerade check``: what is wrong with a deployment file, before anything is deployed from it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from serve_app.commands.terminal import BAD, GOOD, console

app = typer.Typer()

DEFAULT = (Path("serve_config.yaml"), Path("cluster.yaml"), Path("deploy/kuberay/rayservice.yaml"))


@app.command(
    epilog="Examples:  masquerade check  ·  masquerade check serve_config.yaml && serve deploy serve_config.yaml"
)
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="serve_config.yaml, cluster.yaml or a RayService; all of them when none is named."),
    ] = None,
) -> None:
    """Refuse misspelt keys and impossible values, with line and remedy. Exits 1 when anything is wrong."""
    from serve_app import checking

    # It tells what it fills in, which is not what was asked.
    logging.getLogger("ray.autoscaler._private.util").setLevel(logging.WARNING)
    named = files or [path for path in DEFAULT if path.is_file()]
    if not named:
        console.print("There is no deployment file here; `masquerade render` writes them.")
        raise typer.Exit(1)
    wrong = 0
    for path in named:
        problems = checking.check(path, os.environ)
        wrong += len(problems)
        if not problems:
            console.print(f"[green]{GOOD}[/] {escape(str(path))}", highlight=False)
        for problem in problems:
            console.print(f"[red]{BAD}[/] {escape(str(problem))}", highlight=False, soft_wrap=True)
            console.print(f"    → {escape(problem.remedy)}", highlight=False, soft_wrap=True)
    if wrong:
        raise typer.Exit(1)
