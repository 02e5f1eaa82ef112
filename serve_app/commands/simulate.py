"""``masquerade simulate``: what a load would feel like and cost, before anybody pays for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from serve_app.commands.terminal import console, exits_on
from serve_app.simulation.profile import LoadProfile, read_profile
from serve_app.simulation.report import NoPlots, check_plot, cost_table, latency_table, plot, replica_table
from serve_app.simulation.simulator import Outcome, Simulator

app = typer.Typer()


@app.command(
    epilog="Examples:  masquerade simulate docs/profiles/ten-million.yaml  ·  masquerade simulate day.csv --plot day.png"
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
    with exits_on(ValueError):
        load = read_profile(profile)
    if plot_to is not None:
        with exits_on(NoPlots, OSError):
            check_plot(plot_to)
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
        with exits_on(OSError):
            plot(outcome, load.name, plot_to)
        console.print(str(plot_to), markup=False, highlight=False, soft_wrap=True)


def _run(load: LoadProfile, hour_s: float, seed: int) -> Outcome:
    simulator = Simulator(load, hour_s=hour_s, seed=seed)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"{len(load.users_per_hour)} hours", total=1.0)
        return simulator.run(lambda share: progress.update(task, completed=share))
