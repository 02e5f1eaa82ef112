"""``masquerade serve``: the studio on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Annotated, Any

import typer
from rich.markup import escape

from registry.errors import RegistryError
from serve_app.commands.terminal import console, exits_on
from serve_app.local import studio
from serve_app.preflight import StudioError
from serve_app.settings import Settings

app = typer.Typer()

PortOption = Annotated[
    int | None,
    typer.Option(min=1, max=65_535, help="Port of the page and the API.", show_default="MASQUERADE_PORT, else 8000"),
]


@app.command(epilog="Examples:  masquerade serve  ·  masquerade serve --host 0.0.0.0 --port 8080")
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.", show_default="MASQUERADE_HOST, else 127.0.0.1")
    ] = None,
    port: PortOption = None,
) -> None:
    """Start Ray and the graph with the installed models and serve until Ctrl-C."""
    given: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    with exits_on(RegistryError, StudioError), ExitStack() as opened:
        with console.status("Starting Ray and the graph…"):
            address = opened.enter_context(studio(Settings(**given)))
        open_until_interrupted(address)


def open_until_interrupted(address: str) -> None:
    """Say where the studio is and wait for Ctrl-C or a termination signal.

    Signals then mean again what they meant before: a second Ctrl-C cuts the closing short.
    """
    # Not an Event: a handler that runs while its lock is held, in the middle of another one, would wait for itself.
    told: SimpleQueue[int] = SimpleQueue()
    before = {
        number: signal.signal(number, lambda came, _: told.put(came)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        console.print(
            f"The studio is open: [bold]{escape(address)}[/]  (API: {escape(address)}/docs)  Ctrl-C closes it."
        )
        told.get()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    console.print("Closing…")
