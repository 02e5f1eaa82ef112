"""The bot's drills: ``python -m drills.bot [--only crash|payments|crowd|tour] [--seed N]``.

Exits with 1 when a figure misses its bar, and with 130 after Ctrl-C, which leaves no process and no file behind.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.conclusion import conclude
from benchmarks.figures import Figure
from drills import databases
from drills.bot import crash, crowd, payments, tour
from drills.bot.troupe import warm_up
from drills.telling import Tell, telling

Drill = Callable[[Tell], Coroutine[object, object, list[Figure]]]

app = typer.Typer(add_completion=False)
console = Console()


class Name(StrEnum):
    CRASH = "crash"
    PAYMENTS = "payments"
    CROWD = "crowd"
    TOUR = "tour"


@app.command(
    epilog="Examples:  make drill-bot  ·  make drill-bot ARGS='--only payments'  ·  make drill-bot ARGS='--only crash --seed 7'"
)
def main(
    only: Annotated[Name | None, typer.Option(help="One drill instead of all four.")] = None,
    models: Annotated[Path, typer.Option(help="The store with the starter models, for the tour.")] = Path("var/models"),
    seed: Annotated[int | None, typer.Option(help="What dice begin with; the same seed makes the same plans.")] = None,
) -> None:
    """Kill the bot, crowd it, cheat it at the till, and try all it can do: nothing may be lost, doubled or told wrongly."""
    seed = secrets.randbelow(10_000) if seed is None else seed
    began = time.monotonic()
    # Whoever ends a drill from outside finds nothing left behind either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warm_up()
    parts: dict[str, list[Figure]] = {}
    try:
        for title, drill in _drills(only, seed, models).items():
            with telling(title, console) as tell:
                parts[title] = asyncio.run(drill(tell))
    except KeyboardInterrupt:
        console.print("Stopped; everything is closed.")
        raise typer.Exit(130) from None
    except tour.TourBroke as error:
        console.print(f"[red]The tour broke:[/] {error}", highlight=False)
        raise typer.Exit(1) from error
    raise typer.Exit(conclude("drill-bot", parts, seed=seed, seconds=time.monotonic() - began, console=console))


def _drills(only: Name | None, seed: int, models: Path) -> dict[str, Drill]:
    """By title. Polling is tried on SQLite, as on one's own machine, and the webhook on PostgreSQL, as on a cluster."""
    kinds = databases.installed()
    best = kinds[-1]
    drills: dict[str, Drill] = {}
    if only in {None, Name.CRASH}:
        drills["Crashes (sqlite, polling)"] = lambda tell: crash.run("sqlite", "polling", crash.Scale(), seed, tell)
        drills[f"Crashes ({best}, webhook)"] = lambda tell: crash.run(best, "webhook", crash.Scale(), seed, tell)
    if only in {None, Name.PAYMENTS}:
        drills[f"Payments ({best}, webhook)"] = lambda tell: payments.run(best, 2, tell)
    if only in {None, Name.CROWD}:
        drills[f"Crowd ({best}, webhook)"] = lambda tell: crowd.run(best, crowd.Scale(), seed, tell)
    if only in {None, Name.TOUR}:
        drills["Tour (the real graph)"] = lambda tell: tour.run(models, tell)
    return drills


if __name__ == "__main__":
    sys.exit(app())
