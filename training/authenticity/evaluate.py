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
    HELD_OUT,
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

UNSEEN: Final = "unseen sources"
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


def parts_of(judged: Judged, *, held_out: bool) -> dict[str, Judged]:
    """The pictures in words. What nothing was learnt from is told apart by source; of others nobody knows here."""
    if not held_out:
        return {"these pictures": judged}
    return {HELD_OUT: judged.part(unseen=False), UNSEEN: judged.part(unseen=True)}


def write(report: Report, judged: Judged, baseline: Judged | None, *, held_out: bool) -> None:
    """Everything that follows from the probabilities. Raises ``NoPictures`` where nothing does.

    Bars are for pictures that nothing was learnt from: ``held_out`` says that all of them are such.
    """
    parts = parts_of(judged, held_out=held_out)
    if not any(part.comparable for part in parts.values()):
        raise NoPictures("there are not both photographs and machine-made pictures to judge; give more pictures")
    for words, part in parts.items():
        if part.comparable:
            add_figures(report, part, words, barred=words == HELD_OUT)
    baselines = {} if baseline is None else parts_of(baseline, held_out=held_out)
    for words, part in baselines.items():
        if part.comparable:
            value, interval = accuracy(part)
            note = f"three-block CNN on the same split; {PUBLISHED:.0%} is published for it on unseen data"
            report.figure(f"baseline's balanced accuracy, {words}", value, unit="%", interval=interval, note=note)
    report.table("By source", SOURCE_COLUMNS, source_rows(judged), note="95 % Wilson intervals.")
    curves = [*parts.items(), *((f"CNN, {words}", part) for words, part in baselines.items())]
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
    for words, part in parts.items():
        if part.comparable:
            add_reliability(report, part, words)


def add_leave_one_out(report: Report, dataset: Dataset, run: Path, engine: AuthenticityEngine) -> None:
    """A table of models that never saw the source they are asked about, made as those of a training run were.

    Raises ``ValueError`` where ``run`` is no folder of one.
    """
    from training.authenticity.features import Meter, indices, measure
    from training.authenticity.fitting import fit_without, rate
    from training.authenticity.train import record_of

    examples, recipe = dataset.examples, record_of(run).recipe
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
    "--model community-forensics-384 --report reports/forensics"
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
    report: Annotated[
        # --out is what releases before called it.
        Path, typer.Option("--report", "--out", help="Folder for report.json and report.html.")
    ] = Path("reports/authenticity"),
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Judge pictures whose origin is known. With --held-out there are bars; status 3 says that one was missed."""
    with explained():
        version = opened(store).get(model)
        dataset = load(data, read_plan(data, plan))
        examples = dataset.held_out() if held_out else list(dataset.examples)
        written = Report(
            f"Authenticity: {version.ref}",
            f"{len(examples)} pictures whose origin is known, each opened as an upload would be."
            + _origins(dataset, held_out=held_out, learnt=_learnt_from(dataset, run)),
        )
        engine = build(version, Runtime(threads=threads))
        with bars() as bar:
            task = bar.add_task("judging", total=len(examples))
            judged = judge(engine, examples, lambda: bar.advance(task))
        dataset.skipped.update({"no upload": len(examples) - len(judged.examples)})
        rated = None if baseline is None else _baseline(baseline, judged.examples, threads)
        write(written, judged, rated, held_out=held_out)
        if run is not None:
            add_leave_one_out(written, dataset, run, engine)
        if pictures:
            add_false_alarms(written, judged)
        skipped = ", ".join(f"{count} {reason}" for reason, count in dataset.skipped.items() if count)
        written.text("Left out", f"Pictures that were skipped: {skipped or 'none'}.")
        conclude(written, report)


def _learnt_from(dataset: Dataset, run: Path | None) -> bool:
    """Whether a training run, where one is named, was on these pictures. Raises ``ValueError`` where ``run`` holds none."""
    if run is None:
        return False
    from training.authenticity.train import record_of

    return record_of(run).data == dataset.digest()


def _origins(dataset: Dataset, *, held_out: bool, learnt: bool) -> str:
    """What is known of the pictures' part in training."""
    if held_out:
        unseen = any(example.unseen for example in dataset.examples)
        return " Unseen sources took no part in training, calibration or any choice." if unseen else ""
    may = "It learnt from some of them" if learnt else "It may have learnt from some of them"
    return f" {may}, so there are no bars: --held-out judges those that training on this folder leaves out."


def _baseline(path: Path, examples: Sequence[Example], threads: int) -> Judged:
    import torch

    from training.authenticity.baseline import load_baseline, rate

    torch.set_num_threads(threads)
    logits = rate(load_baseline(path), examples)
    return Judged(tuple(examples), 1 / (1 + np.exp(-logits)), (0.5, 0.5))
