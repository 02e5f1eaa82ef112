"""The demo's tour as a terminal shows it: what is under way, what each capability gave, and the contact sheet."""

from __future__ import annotations

from pathlib import Path

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from serve_app.client import StudioClient
from serve_app.commands.terminal import console
from serve_app.demo.contact_sheet import summary, write_contact_sheet
from serve_app.demo.tour import Stop, Tour
from serve_app.samples import Sample


async def show(address: str, samples: tuple[Sample, ...], out: Path) -> Path:
    """Take ``samples`` round the studio at ``address``; the pictures and the contact sheet returned go into ``out``.

    Raises ``TourFailed``.
    """
    stops: list[Stop] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Taking the samples round")
        async with StudioClient(address, deadline_s=300) as studio:
            async for stop in Tour(studio, out).stops(samples):
                stops.append(stop)
                progress.update(task, description=f"{stop.capability}: {stop.title}")
    for capability, gave, took, models in summary(stops):
        console.print(f"  {capability:<12} {took:>7,.0f} ms  {models:<36} {gave}", highlight=False, soft_wrap=True)
    return write_contact_sheet(out, samples, stops)
