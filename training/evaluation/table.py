"""Every bar in one table: ``python -m training.evaluation.table --help``, or ``make eval``."""

from __future__ import annotations

import importlib.resources
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.evaluation.page import bar, interval, number
from training.evaluation.report import Document, read_report
from training.evaluation.terminal import UNDER_A_BAR
from training.terminal import console, explained

PEERS: Final[Mapping[str, str]] = {"wave": "fns_wave", "udnie": "fns_udnie", "the_scream": "fns_scream"}
# Those of the shipped networks.
STYLES: Final = ("starry_night", "the_scream", "wave", "composition_vii", "udnie")
RESEARCH: Final = Path(__file__).parents[1] / "authenticity" / "research.yaml"
# A face, a pet and things, which come with scikit-image and belong to everybody.
SHOWN: Final = ("astronaut.png", "chelsea.png", "coffee.png")

WIDTH: Final = 120

EXAMPLES: Final = """Examples:

python -m training.evaluation.table

python -m training.evaluation.table --only style --only authenticity

python -m training.evaluation.table --recorded
"""


class Unfinished(ValueError):
    """An evaluation has no report to show."""


def evaluations(data: Path, reports: Path, runs: Path) -> dict[str, list[str]]:
    """The ``masquerade eval`` commands with bars, by name, with their options: on the research data in ``data``.

    ``runs`` may hold the detector's baseline and measurements. The report of each goes into a folder of its name.
    """
    photos, paintings = data / "content" / "photos", data / "styles"
    style = [str(photos), "--limit", "6", "--report", str(reports / "style")]
    for name in STYLES:
        style += ["--style", f"{name}={paintings / name}.jpg"]
    for name, peer in PEERS.items():
        style += ["--peer", f"{name}={data / 'style_nets' / peer}.onnx"]
    for shown in SHOWN:
        style += ["--show", str(importlib.resources.files("skimage") / "data" / shown)]
    added = [str(paintings / "wreck.jpg"), str(photos), "--report", str(reports / "style-add")]
    for name in STYLES:
        added += ["--style", f"{name}={paintings / name}.jpg"]
    genuine = [
        str(data),
        "--plan",
        str(RESEARCH),
        "--held-out",
        "--no-pictures",
        "--report",
        str(reports / "authenticity"),
    ]
    if (runs / "baseline.safetensors").exists():
        genuine += ["--baseline", str(runs / "baseline.safetensors")]
    if (runs / "run.json").exists():
        genuine += ["--run", str(runs)]
    return {"style": style, "style-add": added, "authenticity": genuine}


def measure(name: str, options: Sequence[str]) -> None:
    """Run the command, which tells on standard error what it does and what hinders it; its own table is left out.

    Raises :class:`Unfinished` where it ends in another way than over or under its bars. After Ctrl-C, which a terminal
    sends to the command as well, this waits until the command has saved what it saves.
    """
    process = subprocess.Popen([sys.executable, "-m", "serve_app", "eval", name, *options], stdout=subprocess.DEVNULL)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise
    if status not in (0, UNDER_A_BAR):
        raise Unfinished(f"masquerade eval {name} ended with status {status}; what it said stands above")


def _recorded(folder: Path) -> Document:
    """Raises :class:`Unfinished` where there is no report that can be read."""
    try:
        return read_report(folder)
    except FileNotFoundError as error:
        raise Unfinished(f"there is no report in {folder}; measure it first") from error
    except (OSError, ValueError) as error:
        raise Unfinished(str(error)) from error


def table(documents: Mapping[str, Document | None]) -> Table:
    """The figures with bars of all reports, each report under its name; one line where there is no report."""
    shown = Table("evaluation", "figure", "value", "95 % interval", "bar", "", box=None)
    for name, document in documents.items():
        if document is None:
            shown.add_row(name, "-", "-", "-", "-", "[red]not measured[/]")
            continue
        for figure in (one for one in document.figures if one.barred):
            state = "[green]met[/]" if figure.met else "[red]missed[/]"
            shown.add_row(
                name, escape(figure.name), number(figure.value, figure.unit), interval(figure), bar(figure), state
            )
    return shown


def main(
    data: Annotated[
        Path, typer.Option(envvar="MASQUERADE_DATA", help="Folder of the research data.", show_default="../shared/data")
    ] = Path("../shared/data"),
    reports: Annotated[Path, typer.Option(help="Folder of the reports.")] = Path("docs/evaluation"),
    runs: Annotated[
        Path, typer.Option(help="Training run of the authenticity detector: adds the baseline to its report.")
    ] = Path("runs/authenticity"),
    only: Annotated[list[str] | None, typer.Option(help="This evaluation alone; repeat for more.")] = None,
    recorded: Annotated[bool, typer.Option("--recorded", help="Measure nothing: show the reports there are.")] = False,
) -> None:
    """Measure everything that has a bar, and show it in one table.

    Ends with status 3 when a bar is missed, and otherwise with 1 when an evaluation could not be made.
    """
    with explained():
        every = evaluations(data, reports, runs)
        if unknown := set(only or ()) - every.keys():
            raise ValueError(f"there is no evaluation {', '.join(sorted(unknown))}; there are {', '.join(every)}")
        if not recorded and not data.is_dir():
            raise ValueError(f"there is no research data at {data}; set MASQUERADE_DATA, or show --recorded figures")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        documents: dict[str, Document | None] = {}
        hindered: dict[str, Unfinished] = {}
        for name, options in every.items():
            if only and name not in only:
                continue
            documents[name] = None
            try:
                if not recorded:
                    console.print(f"masquerade eval {name}")
                    measure(name, options)
                documents[name] = _recorded(reports / name)
            except Unfinished as error:
                hindered[name] = error
        # Where it goes to a file or through a pipe, the table is as wide as it has to be.
        Console(width=None if sys.stdout.isatty() else WIDTH).print(table(documents))
        for name, reason in hindered.items():
            console.print(f"[red]{escape(f'{name} could not be made: {reason}')}[/]", highlight=False)
        if missed := sum(len(document.under_bars) for document in documents.values() if document):
            console.print(f"{missed} under a bar")
            raise typer.Exit(UNDER_A_BAR)
        if hindered:
            raise typer.Exit(1)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLES)(main)

if __name__ == "__main__":
    app()
