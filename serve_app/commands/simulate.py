"""``masquerade simulate``: what a load would feel like and cost, before anybody pays for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from serve_app.simulation.profile import LoadProfile, read_profile
from serve_app.simulation.report import NoPlots, cost_table, latency_table, plot, replica_table
from serve_app.simulation.simulator import Outcome, Simulator

app = typer.Typer()
console = Console()


@app.command(
    epilog="Examples:  masquerade simulate docs/profiles/ten-million.yaml  ·  masquerade simulate day.csv --plot day.png",
)
def simulate(
    profile: Annotated[
        Path, typer.Argument(help="Load profile: YAML, or CSV of hours beside a YAML (docs/capacity.md).")
    ],
    minutes: Annotated[
        float,
        typer.Option(min=1, max=60, help="Minutes to simulate of each hour; fewer is faster and a little harsher."),
    ] = 10,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 0,
    plot_to: Annotated[
        Path | None, typer.Option("--plot", help="Draw load, waits, replicas and machines as PNG.")
    ] = None,
) -> None:
    """Print how long people wait, how busy replicas are and what machines cost under a load profile."""
    try:
        load = read_profile(profile)
    except ValidationError as error:
        for entry in error.errors(include_url=False, include_input=False):
            place = ".".join(str(part) for part in entry["loc"]) or str(profile)
            console.print(
                f"[red]{escape(place)}: {escape(entry['msg'].removeprefix('Value error, '))}[/]", highlight=False
            )
        raise typer.Exit(1) from error
    except ValueError as error:
        console.print(f"[red]{escape(str(error))}[/]", highlight=False)
        raise typer.Exit(1) from error
    outcome = _run(load, minutes * 60, seed)
    for table in (latency_table(outcome), replica_table(outcome), cost_table(outcome)):
        console.print(table)
    if outcome.requests:
        console.print(
            f"{outcome.requests:,} requests, {outcome.refused:,} refused ({outcome.refused / outcome.requests:.2%}); "
            f"{1000 * outcome.usd_per_hour * outcome.seconds / 3600 / outcome.requests:.3f} USD for a thousand",
            highlight=False,
        )
    else:
        console.print("Nobody came.")
    if plot_to is not None:
        try:
            plot(outcome, load.name, plot_to)
        except (NoPlots, OSError, ValueError) as error:
            console.print(f"[red]{escape(str(error))}[/]", highlight=False)
            raise typer.Exit(1) from error
        console.print(str(plot_to))


def _run(load: LoadProfile, hour_s: float, seed: int) -> Outcome:
    simulator = Simulator(load, hour_s=hour_s, seed=seed)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"{len(load.users_per_hour)} hours", total=1.0)
        return simulator.run(lambda share: progress.update(task, completed=share))
