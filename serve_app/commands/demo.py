"""``masquerade demo``: models, graph, samples, contact sheet, and then a studio that stays open."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import typer
from rich.markup import escape

from registry.errors import RegistryError
from serve_app.commands.serve import PortOption, open_until_interrupted
from serve_app.commands.starter import ensure_starter
from serve_app.commands.terminal import complain, console, exits_on
from serve_app.local import studio
from serve_app.preflight import StudioError
from serve_app.samples import installed_samples
from serve_app.settings import Settings

app = typer.Typer()


@app.command(epilog="Examples:  masquerade demo  ·  masquerade demo --once  ·  masquerade demo --port 8080")
def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit after the contact sheet instead of serving on.")] = False,
    port: PortOption = None,
    out: Annotated[Path, typer.Option(help="Folder for the pictures and the contact sheet.")] = Path("demo-output"),
) -> None:
    """Fetch the starter models, start the graph, take the samples through every capability, serve until Ctrl-C."""
    # Imported here: the HTTP client takes a while to load, and listing the commands needs none.
    from serve_app.demo.showing import show
    from serve_app.demo.tour import TourFailed

    try:
        # Checked now, not after the minutes that the models and the graph take.
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        complain(f"{out} cannot be written to: {error.strerror}")
        raise typer.Exit(1) from error
    settings = Settings() if port is None else Settings(port=port)
    with exits_on(RegistryError, StudioError, TourFailed), ExitStack() as opened:
        store = settings.model_store.open()
        ensure_starter(store)
        samples = installed_samples(store)
        began = time.perf_counter()
        with console.status("Starting Ray and the graph…"):
            address = opened.enter_context(studio(settings))
        console.print(f"Ready in {time.perf_counter() - began:.1f} s at [bold]{escape(address)}[/]")
        sheet = asyncio.run(show(address, samples, out))
        console.print(f"Contact sheet: [bold]{escape(str(sheet))}[/]")
        if not once:
            open_until_interrupted(address)
