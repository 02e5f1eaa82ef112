"""``masquerade eval authenticity``: how often a detector is right, sure, and wrong, on pictures whose origin is known."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer

from deployments.authenticity.engine import AuthenticityEngine, build
from deployments.errors import MasqueradeError
from deployments.imaging import Photo
from deployments.runtime import Runtime
from training.authenticity.data import Dataset, Example, NoPictures, load, pixels, read_plan
from training.authenticity.judgement import (
    PUBLISHED,
    SOURCE_COLUMNS,
    Judged,
    accuracy,
    add_figures,
    add_reliability,
    source_rows,
)
from training.evaluation.curves import add_roc
from training.evaluation.report import Report
from training.evaluation.statistics import area_under_roc
from training.evaluation.terminal import conclude
from training.stores import STORE, StoreOption, opened
from training.terminal import bars, explained

logger = logging.getLogger(__name__)

_SHOWN: Final = 12


def judge(engine: AuthenticityEngine, examples: Sequence[Example], advance: Callable[[], None]) -> Judged:
    """The engine's probability for every picture that could be uploaded, each opened as an upload would be."""
    kept, said = [], []
    for example in examples:
        advance()
        try:
            photo = Photo.open(example.path.read_bytes())
        except (MasqueradeError, OSError) as error:
            logger.info("skipped %s: %s", example.name, error)
            continue
        (opinion,) = engine.run([photo])
        kept.append(example)
        said.append(opinion.probability_ai)
    return Judged(tuple(kept), np.array(said), engine.calibration.unsure)


def write(report: Report, judged: Judged, baseline: Judged | None) -> None:
    """Everything that follows from the probabilities. Raises ``NoPictures`` where nothing does."""
    known, unseen = judged.part(unseen=False), judged.part(unseen=True)
    if not (known.comparable or unseen.comparable):
        raise NoPictures("there are not both photographs and machine-made pictures to judge; give more pictures")
    parts = [(words, part, words == "held out") for words, part in (("held out", known), ("unseen sources", unseen))]
    for words, part, barred in parts:
        if part.comparable:
            add_figures(report, part, words, barred=barred)
    if baseline is not None:
        for words, part in (("held out", baseline.part(unseen=False)), ("unseen sources", baseline.part(unseen=True))):
            if part.comparable:
                value, interval = accuracy(part)
                note = f"three-block CNN on the same split; {PUBLISHED:.0%} is published for it on unseen data"
                report.figure(f"baseline's balanced accuracy, {words}", value, unit="%", interval=interval, note=note)
    report.table("By source", SOURCE_COLUMNS, source_rows(judged), note="95 % Wilson intervals.")
    curves = [(words, part) for words, part, _ in parts]
    if baseline is not None:
        curves += [
            (f"CNN, {words}", baseline.part(unseen=unseen))
            for words, unseen in (("held out", False), ("unseen sources", True))
        ]
    add_roc(
        report,
        "ROC",
        ("photographs called machine-made", "machine-made pictures found"),
        [
            (f"{words} ({area_under_roc(part.truth, part.probabilities):.2f})", part.truth, part.probabilities)
            for words, part in curves
            if part.comparable
        ],
        note="In brackets: the area under the curve.",
    )
    for words, part, _ in parts:
        if part.comparable:
            add_reliability(report, part, words)


def add_leave_one_out(report: Report, dataset: Dataset, run: Path, engine: AuthenticityEngine) -> None:
    """A table of models that never saw the source they are asked about, made as those of a training run were.

    Raises ``ValueError`` where ``run`` is no folder of one.
    """
    from training.authenticity.features import Meter, indices, measure
    from training.authenticity.fitting import fit_without, rate
    from training.authenticity.train import recipe_of

    examples, recipe = dataset.examples, recipe_of(run)
    features = measure(
        dataset, recipe.views, recipe.seed, run, meter=Meter(), advance=lambda _: None, stop=threading.Event()
    )
    rows = []
    for source in dict.fromkeys(example.source for example in dataset.learnable()):
        weigher = fit_without(features, examples, source, recipe, lambda *_: None)
        own = indices(examples, lambda e: e.source == source)  # noqa: B023  # used at once
        said = [engine.calibration.opinion(float(logit)).probability_ai for logit in rate(weigher, features, own)]
        judged = Judged(tuple(examples[index] for index in own), np.array(said), engine.calibration.unsure)
        rows += source_rows(judged)
    report.table(
        "Leave one source out",
        SOURCE_COLUMNS,
        rows,
        note="Each row is a model that learnt from all other sources, read by the shipped calibration, over every "
        "picture of the source it never saw. 95 % Wilson intervals.",
    )


def add_false_alarms(report: Report, judged: Judged) -> None:
    """The photographs most firmly called machine-made, to be looked at."""
    wrong = np.flatnonzero(judged.called_ai & ~judged.truth)
    worst = wrong[np.argsort(-judged.probabilities[wrong])][:_SHOWN]
    shown = [
        (pixels(judged.examples[i]), f"{judged.probabilities[i]:.0%} · {judged.examples[i].source}") for i in worst
    ]
    if shown:
        report.pictures("Photographs called machine-made", shown, note=f"{len(wrong)} in all, the firmest first.")


app = typer.Typer(add_completion=False)


@app.command(
    epilog="Examples:  masquerade eval authenticity pictures/  ·  masquerade eval authenticity pictures/ "
    "--model community-forensics-384 --out reports/forensics"
)
def evaluate(
    data: Annotated[
        Path, typer.Argument(help="Folder with real/ and ai/, or with what --plan names.", exists=True, file_okay=False)
    ],
    model: Annotated[str, typer.Option(help="NAME or NAME@VERSION.")] = "fingerprint",
    plan: Annotated[Path | None, typer.Option(help="YAML naming the sources.", exists=True)] = None,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Judge only what training on this data would leave out.")
    ] = False,
    baseline: Annotated[Path | None, typer.Option(help="baseline.safetensors to compare with.", exists=True)] = None,
    run: Annotated[
        Path | None, typer.Option(help="Folder of the training run: adds the leave-one-source-out table.", exists=True)
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Show false alarms in the report.")] = True,
    store: StoreOption = STORE,
    out: Annotated[Path, typer.Option(help="Folder for report.html and report.json.")] = Path("reports/authenticity"),
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Judge pictures whose origin is known; ends with status 3 when a bar is missed."""
    with explained():
        version = opened(store).get(model)
        dataset = load(data, read_plan(data, plan))
        examples = dataset.held_out() if held_out else list(dataset.examples)
        report = Report(
            f"Authenticity: {version.ref}",
            f"{len(examples)} pictures whose origin is known, each opened as an upload would be. "
            "Unseen sources took no part in training, calibration or any choice.",
        )
        engine = build(version, Runtime(threads=threads))
        with bars() as bar:
            task = bar.add_task("judging", total=len(examples))
            judged = judge(engine, examples, lambda: bar.advance(task))
        dataset.skipped.update({"no upload": len(examples) - len(judged.examples)})
        write(report, judged, None if baseline is None else _baseline(baseline, judged.examples, threads))
        if run is not None:
            add_leave_one_out(report, dataset, run, engine)
        if pictures:
            add_false_alarms(report, judged)
        skipped = ", ".join(f"{count} {reason}" for reason, count in dataset.skipped.items() if count)
        report.text("Left out", f"Pictures that were skipped: {skipped or 'none'}.")
        conclude(report, out)


def _baseline(path: Path, examples: Sequence[Example], threads: int) -> Judged:
    import torch

    from training.authenticity.baseline import load_baseline, rate

    torch.set_num_threads(threads)
    logits = rate(load_baseline(path), examples)
    return Judged(tuple(examples), 1 / (1 + np.exp(-logits)), (0.5, 0.5))
