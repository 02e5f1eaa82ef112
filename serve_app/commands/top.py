"""``masquerade top``: a running studio, watched from a terminal."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from serve_app.commands.remote import TIMEOUT_S, NoAnswer, RemoteStudio, UrlOption
from serve_app.commands.terminal import console, exits_on
from serve_app.settings import Settings
from serve_app.status.board import WINDOW_S, DeploymentState, StudioState

app = typer.Typer()


@app.command(epilog="Examples:  masquerade top  ·  masquerade top --once  ·  masquerade top --json | jq .deployments")
def top(
    url: UrlOption = None,
    interval: Annotated[float, typer.Option(min=1.0, max=3600.0, help="Seconds between two looks.")] = 3.0,
    once: Annotated[
        bool, typer.Option("--once", help="Look once, over a window long enough for rates, and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One look as JSON, for scripts.")] = False,
) -> None:
    """Deployments, replicas, requests, latency, queues, errors and model versions, live until Ctrl-C.

    Where the studio has an admin key, it is taken from MASQUERADE_ADMIN_KEY or MASQUERADE_ADMIN_KEY_FILE.
    """
    studio = RemoteStudio(Settings(), url)
    with exits_on(NoAnswer):
        # Nobody watches a file or a pipe.
        if once or as_json or not console.is_terminal:
            state = _settled(studio)
            if as_json:
                typer.echo(state.model_dump_json(indent=2))
            else:
                console.print(picture(studio.url, state))
            return
        with Live(_seen(studio), console=console, screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(interval)
                live.update(_seen(studio), refresh=True)


def _read(studio: RemoteStudio) -> StudioState:
    return studio.ask("/v1/status", StudioState)


def _seen(studio: RemoteStudio) -> Group:
    return picture(studio.url, _read(studio))


def _settled(studio: RemoteStudio) -> StudioState:
    """The state once two looks are far enough apart for rates."""
    deadline = time.monotonic() + WINDOW_S + TIMEOUT_S
    state = _read(studio)
    while state.window_s is None and time.monotonic() < deadline:
        time.sleep(1.0)
        state = _read(studio)
    return state


def picture(address: str, state: StudioState) -> Group:
    """The state as a terminal shows it."""
    window = "rates after a few seconds" if state.window_s is None else f"over {state.window_s:.0f} s"
    shares = (("cpu", state.cpu), ("memory", state.memory), ("gpu", state.gpu))
    used = "   ".join(f"{name} {value:.0%}" for name, value in shares if value is not None)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("deployment", no_wrap=True)
    for column in ("replicas", "req/s", "p50", "p95", "in hand", "queued", "err/s"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("model", overflow="fold")
    for entry in state.deployments:
        table.add_row(*_cells(entry))
    return Group(Text.assemble(("masquerade top", "bold"), f"   {address}   {used}   ({window})"), Text(), table)


def _cells(entry: DeploymentState) -> list[Text]:
    amiss = "bold red"
    healthy = entry.status == "healthy"
    name = Text(entry.name if healthy else f"{entry.name} ({entry.status})", "" if healthy else amiss)
    errors = entry.errors_per_s
    return [
        name,
        Text(f"{entry.replicas}/{entry.target}", amiss if entry.replicas < entry.target else ""),
        Text("–" if entry.rps is None else f"{entry.rps:.1f}"),
        Text(_duration(entry.p50_ms)),
        Text(_duration(entry.p95_ms)),
        Text(str(entry.ongoing)),
        Text(str(entry.queued), "bold yellow" if entry.queued else ""),
        Text("–" if errors is None else f"{errors:.2f}", amiss if errors else ""),
        Text(entry.note or entry.model or "–", "red" if entry.note else "dim"),
    ]


def _duration(ms: float | None) -> str:
    if ms is None:
        return "–"
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"
