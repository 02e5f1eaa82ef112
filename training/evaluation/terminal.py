"""What every evaluation shows at its end."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from training.evaluation.page import bar, interval, number
from training.evaluation.report import Report
from training.terminal import console, output

UNDER_A_BAR = 3
"""Exit status of an evaluation that ran to its end and found too little."""


def conclude(report: Report, folder: Path) -> None:
    """Print the report's figures, write it, and end with status 3 when one of them misses its bar.

    In this order, so that a report that cannot be written takes no figures with it.
    """
    table = Table("figure", "value", "95 % interval", "bar", box=None)
    for figure in report.document.figures:
        state = ("[green]met[/]" if figure.met else "[red]missed[/]") if figure.barred else ""
        table.add_row(
            escape(figure.name), number(figure.value, figure.unit), interval(figure), f"{bar(figure)} {state}".strip()
        )
    output.print(table)
    console.print(escape(f"the whole report: {report.write(folder)}"), highlight=False)
    if report.document.under_bars:
        raise typer.Exit(UNDER_A_BAR)


def tell_unreadable(count: int, folder: Path) -> None:
    """Say how many files were left out of an evaluation, where there were any."""
    if count:
        words = "picture that cannot be read was" if count == 1 else "pictures that cannot be read were"
        console.print(f"[yellow]{count} {words} left out of {escape(str(folder))}[/]", highlight=False)
