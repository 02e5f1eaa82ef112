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
from training.evaluation.terminal import UNDER_A_BAR, console, explained

PEERS: Final[Mapping[str, str]] = {"wave": "fns_wave", "udnie": "fns_udnie", "the_scream": "fns_scream"}
# Those of the shipped networks, beside which the style-add evaluation trains one more.
STYLES: Final = ("starry_night", "the_scream", "wave", "composition_vii", "udnie")
# A face, a pet and things, which come with scikit-image and belong to everybody.
SHOWN: Final = ("astronaut.png", "chelsea.png", "coffee.png")


class Unfinished(ValueError):
    """An evaluation ended without a report."""


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
    genuine = ["authenticity", str(data), "--plan", "training/authenticity/research.yaml", "--held-out"]
    genuine += ["--no-pictures", "--out", str(reports / "authenticity")]
    if (runs / "baseline.safetensors").exists():
        genuine += ["--baseline", str(runs / "baseline.safetensors"), "--run", str(runs)]
    return [
        Evaluation("style", tuple(style)),
        Evaluation("style-add", tuple(added)),
        Evaluation("authenticity", tuple(genuine)),
    ]


def measure(evaluation: Evaluation) -> None:
    """Run the command. Raises :class:`Unfinished` where it ends in another way than over or under its bars."""
    done = subprocess.run([sys.executable, "-m", "serve_app", "eval", *evaluation.command], check=False)
    if done.returncode not in (0, UNDER_A_BAR):
        raise Unfinished(f"masquerade eval {evaluation.command[0]} ended with status {done.returncode}")


def _recorded(folder: Path) -> Document:
    try:
        return read_report(folder)
    except FileNotFoundError as error:
        raise ValueError(f"there is no report in {folder}; measure it first") from error


def table(documents: Mapping[str, Document]) -> Table:
    """The figures with bars of all reports, each report under its name."""
    shown = Table("evaluation", "figure", "value", "95 % interval", "bar", "", box=None)
    for name, document in documents.items():
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
    only: Annotated[list[str] | None, typer.Option(help="Measure this evaluation alone; repeat for more.")] = None,
    recorded: Annotated[bool, typer.Option("--recorded", help="Measure nothing: show the reports there are.")] = False,
) -> None:
    """Measure everything that has a bar, and end with status 3 when one is missed."""
    with explained():
        every = evaluations(data, reports, runs)
        if unknown := set(only or ()) - {one.folder for one in every}:
            raise ValueError(f"there is no evaluation {', '.join(sorted(unknown))}")
        if not recorded:
            if not data.is_dir():
                raise ValueError(
                    f"there is no research data at {data}; set MASQUERADE_DATA, or show --recorded figures"
                )
            os.environ.setdefault("OMP_NUM_THREADS", "1")
            for one in every:
                if not only or one.folder in only:
                    console.print(f"masquerade eval {one.command[0]}")
                    measure(one)
        documents = {one.folder: _recorded(reports / one.folder) for one in every}
        Console().print(table(documents))
        missed = sum(len(document.under_bars) for document in documents.values())
        if missed:
            console.print(f"{missed} under a bar")
            raise typer.Exit(UNDER_A_BAR)


if __name__ == "__main__":
    typer.run(main)
