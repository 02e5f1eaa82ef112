"""Every bar in one table: ``python -m training.evaluation.table --help``, or ``make eval``."""

from __future__ import annotations

import importlib.resources
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.evaluation.page import bar, interval, number
from training.evaluation.report import Document, read_report
from training.evaluation.terminal import UNDER_A_BAR, console
from training.terminal import explained

PEERS: Final[Mapping[str, str]] = {"wave": "fns_wave", "udnie": "fns_udnie", "the_scream": "fns_scream"}
# Those of the shipped networks, beside which the style-add evaluation trains one more.
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


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One ``masquerade eval`` command; its report goes to ``docs/evaluation/<folder>``."""

    folder: str
    command: tuple[str, ...]


def evaluations(data: Path, reports: Path, runs: Path) -> list[Evaluation]:
    """Those with bars on the research data in ``data``; ``runs`` may hold the detector's baseline and measurements."""
    photos, paintings = data / "content" / "photos", data / "styles"
    style = ["style", str(photos), "--limit", "6", "--report", str(reports / "style")]
    for name, peer in PEERS.items():
        style += ["--style", f"{name}={paintings / name}.jpg", "--peer", f"{name}={data / 'style_nets' / peer}.onnx"]
    for shown in SHOWN:
        style += ["--show", str(importlib.resources.files("skimage") / "data" / shown)]
    added = ["style-add", str(paintings / "wreck.jpg"), str(photos), "--report", str(reports / "style-add")]
    for name in STYLES:
        added += ["--style", f"{name}={paintings / name}.jpg"]
    genuine = ["authenticity", str(data), "--plan", str(RESEARCH), "--held-out"]
    genuine += ["--no-pictures", "--out", str(reports / "authenticity")]
    if (runs / "baseline.safetensors").exists():
        genuine += ["--baseline", str(runs / "baseline.safetensors"), "--run", str(runs)]
    return [
        Evaluation("style", tuple(style)),
        Evaluation("style-add", tuple(added)),
        Evaluation("authenticity", tuple(genuine)),
    ]


def measure(evaluation: Evaluation) -> None:
    """Run the command, which tells on standard error what it does and what hinders it; its own table is left out.

    Raises :class:`Unfinished` where it ends in another way than over or under its bars. After Ctrl-C, which a terminal
    sends to the command as well, this waits until the command has saved what it saves.
    """
    command = [sys.executable, "-m", "serve_app", "eval", *evaluation.command]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise
    if status not in (0, UNDER_A_BAR):
        told = f"masquerade eval {evaluation.command[0]} ended with status {status}"
        raise Unfinished(f"{told}; what it said stands above")


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
        names = [one.folder for one in every]
        if unknown := set(only or ()) - set(names):
            raise ValueError(f"there is no evaluation {', '.join(sorted(unknown))}; there are {', '.join(names)}")
        if not recorded and not data.is_dir():
            raise ValueError(f"there is no research data at {data}; set MASQUERADE_DATA, or show --recorded figures")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        documents: dict[str, Document | None] = {}
        hindered: dict[str, Unfinished] = {}
        for one in every:
            if only and one.folder not in only:
                continue
            documents[one.folder] = None
            try:
                if not recorded:
                    console.print(f"masquerade eval {one.command[0]}")
                    measure(one)
                documents[one.folder] = _recorded(reports / one.folder)
            except Unfinished as error:
                hindered[one.folder] = error
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
