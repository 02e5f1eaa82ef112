"""Train the embedded detector: ``python -m training.authenticity.train --help``."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.logging import RichHandler
from rich.markup import escape
from rich.progress import Progress

from deployments.authenticity.fingerprint import BACKEND, FILE, SIDE
from deployments.authenticity.opinion import Calibration
from registry.gates import BARS
from registry.manifest import UNKNOWN_LICENCE, Description, Manifest
from registry.references import next_version
from registry.store import FolderStore
from training.authenticity.calibration import calibrate
from training.authenticity.data import FOLDS, Dataset, balanced_weights, labels, load, read_plan
from training.authenticity.features import Features, Meter, indices, measure
from training.authenticity.fitting import Recipe, Tell, check_splits, fit_fold, fit_without, rate
from training.authenticity.graph import write_graph
from training.authenticity.network import Detector, Weigher
from training.board import board
from training.cards import load_card, manifest_of
from training.evaluation.report import read_report
from training.stopping import Stopped, stop_requests
from training.stores import with_room
from training.terminal import bars, console, explained

RECORD = "run.json"
CARD = Path(__file__).with_name("card.yaml")
# The pictures that the shipped card is about: research.yaml over the research data.
RESEARCH = "bf6ce2990a4b1b86"

EXAMPLES = """Examples:

python -m training.authenticity.train pictures/ runs/mine        # pictures/real and pictures/ai

python -m training.authenticity.train ../shared/data runs/research --plan training/authenticity/research.yaml
--store models/
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What training gives: the members of the ensemble, and how their answers are to be read."""

    members: tuple[Weigher, ...]
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Record:
    """What a run was trained by: the digest of its pictures, and how."""

    data: str
    recipe: Recipe


def train(dataset: Dataset, features: Features, recipe: Recipe, tell: Tell) -> Result:
    """Fit the ensemble, and for the calibration one weigher without each source."""
    examples = dataset.examples
    learnable = indices(examples, lambda example: example.fold is not None)
    members = tuple(fit_fold(features, examples, fold, recipe, _named(tell, f"fold {fold}")) for fold in range(FOLDS))
    foreign = np.zeros(len(examples))
    for source in dict.fromkeys(examples[index].source for index in learnable):
        weigher = fit_without(features, examples, source, recipe, _named(tell, f"without {source}"))
        own = indices(examples, lambda e, source=source: e.fold is not None and e.source == source)  # type: ignore[misc]
        foreign[own] = rate(weigher, features, own)
    some = [examples[index] for index in learnable]
    return Result(members, calibrate(foreign[learnable], labels(some), balanced_weights(some)))


def record_of(run: Path) -> Record:
    """What a finished run was trained by. Raises ``ValueError`` where ``run`` holds the record of none."""
    try:
        written = json.loads((run / RECORD).read_text(encoding="utf-8"))
        return Record(str(written["data"]), Recipe(**written["recipe"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{run} holds no {RECORD} of a training run that ended") from error


def export(result: Result, card: Description, store: FolderStore, package: str | None) -> Manifest:
    """Publish graph and manifest. Raises what the store raises."""
    contract = {
        "layout": "NCHW",
        "color_order": "RGB",
        "value_range": [0, 255],
        "size": [SIDE, SIDE],
        "calibration": result.calibration.model_dump(mode="json"),
    }
    with store.stage(card.ref) as folder:
        write_graph(Detector(result.members), folder / FILE, "logit")
        manifest = manifest_of(card, folder, package, {"input": contract, "backend": BACKEND})
        return store.publish(manifest, folder).manifest


def described(dataset: Dataset, store: FolderStore, name: str, licence: str) -> Description:
    """What is said of a detector that learns from ``dataset``: of the research data its card, of others what was read."""
    card = load_card(CARD)
    if dataset.digest() == RESEARCH:
        return card
    counts = Counter((example.source, example.machine_made) for example in dataset.learnable())
    return Description.model_validate(
        card.model_dump()
        | {
            "model": name,
            "version": next_version(store, name),
            "licence": {"name": licence, "commercial_use": False},
            "trained_on": [
                {"name": f"{count} {'machine-made pictures' if made else 'photographs'} ({source})", "terms": "unknown"}
                for (source, made), count in counts.items()
            ],
        }
    )


def metrics_of(report: Path) -> dict[str, float]:
    """The figures with bars, by the names that the gate knows them by.

    Raises what reading the report raises, and ``ValueError`` for one that lacks them: its pictures were not held out.
    """
    figures = {figure.name: figure.value for figure in read_report(report).figures}
    names = {bar.metric: bar.reported for bar in BARS["authenticity"] if bar.reported is not None}
    if missing := [name for name in names.values() if name not in figures]:
        raise ValueError(
            f"{report} has no figure for {' and '.join(missing)}: "
            "give the report of `masquerade eval authenticity DATA --held-out`"
        )
    return {metric: round(figures[name], 4) for metric, name in names.items()}


def _named(tell: Tell, prefix: str) -> Tell:
    return lambda name, step, value: tell(f"{prefix}/{name}", step, value)


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """As :func:`stop_requests`; a stop ends the command with status 130 and a word on how to go on."""
    try:
        with stop_requests() as stop:
            yield stop
    except Stopped:
        console.print("stopped; the same command continues where it was")
        raise typer.Exit(130) from None


def _fit(
    dataset: Dataset, features: Features, recipe: Recipe, run: Path, bar: Progress, stop: threading.Event
) -> Result:
    sources = {example.source for example in dataset.learnable()}
    task = bar.add_task("fitting", total=(FOLDS + len(sources)) * recipe.steps)
    with board(run) as curves:
        ended: dict[str, int] = {}

        def tell(name: str, step: int, value: float) -> None:
            curves.add_scalar(name, value, step)
            ended[name.rsplit("/", 1)[0]] = step
            finished = (len(ended) - 1) * recipe.steps
            bar.update(task, completed=finished + step, description=name.rsplit("/", 1)[0])
            if stop.is_set():
                raise Stopped

        result = train(dataset, features, recipe, tell)
        bar.update(task, completed=(FOLDS + len(sources)) * recipe.steps)
        return result


def main(
    data: Annotated[
        Path,
        typer.Argument(
            help="Folder with real/ and ai/, two sub-folders or more in each, or with what --plan names.", exists=True
        ),
    ],
    run: Annotated[Path, typer.Argument(help="Folder for measurements, curves and the record.")],
    plan: Annotated[Path | None, typer.Option(help="YAML naming the sources.", exists=True)] = None,
    store: Annotated[Path | None, typer.Option(help="Model store to publish in.", show_default="RUN/store")] = None,
    name: Annotated[
        str, typer.Option(help="What to call the model; the version is the next that is free.")
    ] = "my-detector",
    licence: Annotated[str, typer.Option(help="SPDX identifier.")] = UNKNOWN_LICENCE,
    card: Annotated[
        Path | None,
        typer.Option(
            help="YAML: what the manifest says besides files, name and licence included.",
            show_default="made from what is read",
            exists=True,
        ),
    ] = None,
    package: Annotated[str | None, typer.Option(help="Python package that will carry the files, if one will.")] = None,
    judgement: Annotated[
        Path | None, typer.Option(help="Report of an evaluation of this version, for the manifest.", exists=True)
    ] = None,
    views: Annotated[int, typer.Option(min=1, help="Disturbed views of every picture.")] = Recipe.views,
    steps: Annotated[int, typer.Option(min=1)] = Recipe.steps,
    seed: Annotated[int, typer.Option(min=0)] = Recipe.seed,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Measure every picture, weigh the statistics, calibrate, and write a model version.

    Interrupted, the same command goes on where it was: measurements are kept, and fitting takes a minute.
    """
    logging.basicConfig(level=logging.ERROR, format="%(message)s", handlers=[RichHandler(console=console)])
    with explained(), _stoppable() as stop:
        torch.set_num_threads(threads)
        recipe = Recipe(views=views, steps=steps, seed=seed)
        told = None if card is None else load_card(card)
        metrics = {} if judgement is None else metrics_of(judgement)
        root = store or run / "store"
        if told is not None:
            with_room(root, told)
        dataset = load(data, read_plan(data, plan))
        description = told or described(dataset, FolderStore(root), name, licence)
        if metrics:
            description = description.model_copy(update={"metrics": metrics})
        models = with_room(root, description)
        check_splits(dataset.examples)
        learnable = dataset.learnable()
        skipped = ", ".join(f"{count} {reason}" for reason, count in dataset.skipped.items()) or "none"
        console.print(
            f"{len(learnable)} pictures to learn from, {len(dataset.held_out())} held out; skipped: {skipped}"
        )
        run.mkdir(parents=True, exist_ok=True)
        with bars() as bar:
            task = bar.add_task("measuring", total=len(dataset.examples))
            features = measure(
                dataset, views, seed, run, meter=Meter(threads), stop=stop,
                advance=lambda done: bar.update(task, completed=done),
            )  # fmt: skip
            result = _fit(dataset, features, recipe, run, bar, stop)
        manifest = export(result, description, models, package)
        record = {
            "data": dataset.digest(),
            "recipe": asdict(recipe),
            "skipped": dict(dataset.skipped),
            "model": manifest.ref,
        }
        (run / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        low, high = result.calibration.unsure
        size = sum(file.size for file in manifest.files) / 1e6
        place = root / manifest.model / manifest.version
        console.print(
            f"{manifest.ref}: {size:.1f} MB in {escape(str(place))}, unsure between {low:.1%} and {high:.1%}",
            soft_wrap=True,
        )
        if store is None:
            console.print(f"For the studio: masquerade models import {escape(str(place))}", soft_wrap=True)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLES)(main)

if __name__ == "__main__":
    app()
