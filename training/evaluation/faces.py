"""``masquerade eval faces``: are faces found, and does the model tell people apart? On people of your own."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from deployments.faces.engine import FaceEngine, build
from deployments.faces.types import Box, Face, FaceQuery
from deployments.imaging import Photo
from deployments.runtime import Runtime
from training.evaluation.curves import add_roc, histogram
from training.evaluation.detection import average_precision, matched
from training.evaluation.people import Pairs, Seen, look, pairs
from training.evaluation.report import Report
from training.evaluation.statistics import area_under_roc, bootstrap
from training.evaluation.terminal import conclude
from training.evaluation.thumbnails import add_thumbnails, side_by_side
from training.evaluation.verification import best_threshold, called_by_folds, fold_accuracy, true_accept_rate
from training.stores import STORE, StoreOption, opened
from training.terminal import bars, explained

ADULT = 18.0
SHOWN = 6

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class AnnotatedPicture:
    """The true faces of one picture; ``age`` of each in years where it is known."""

    path: Path
    boxes: tuple[Box, ...]
    ages: tuple[float | None, ...]


@app.command(
    epilog="Examples:  masquerade eval faces people/  ·  masquerade eval faces people/ --model buffalo-l --boxes boxes.csv"
)
def faces(
    people: Annotated[Path, typer.Argument(help="A folder with one sub-folder of pictures a person.")],
    model: Annotated[str, typer.Option(help="Face model: NAME, NAME@VERSION or NAME@ALIAS.")] = "dlib-faces",
    boxes: Annotated[
        Path | None, typer.Option(help="CSV with the true faces: file,x0,y0,x1,y1 and, where known, age.")
    ] = None,
    most: Annotated[int, typer.Option("--pairs", min=10, help="Pairs of one person, and as many of two.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of pairs.")] = 0,
    least_accuracy: Annotated[float, typer.Option(min=0.5, max=1, help="Bar for telling people apart.")] = 0.95,
    most_missed: Annotated[float, typer.Option(min=0, max=1, help="Bar for pictures without a face found.")] = 0.02,
    report: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("reports/eval-faces"),
    store: StoreOption = STORE,
) -> None:
    """Measure finding and recognising faces on people of your own."""
    with explained():
        models = opened(store)
        version = models.get(model)
        annotations = read_boxes(boxes) if boxes else ()
        engine = build(version, Runtime())
        written = Report(
            f"Faces: {version.ref}",
            f"How well {version.ref} finds faces and tells people apart, on the pictures in {people.name}/.",
        )
        seen = look(people, version, engine, models)
        _found(written, seen, most_missed)
        if engine.space is not None:
            _verified(written, seen, pairs(seen, most, seed), least_accuracy)
        if annotations:
            _detected(written, engine, annotations)
        engine.close()
        conclude(written, report)


def read_boxes(path: Path) -> tuple[AnnotatedPicture, ...]:
    """The faces of every picture named in a CSV file; paths are relative to it. Raises ``ValueError`` with the line."""
    found: dict[Path, list[tuple[Box, float | None]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                box = (float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"]))
                age = float(row["age"]) if row.get("age") else None
                picture = path.parent / row["file"]
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {number}: needs file,x0,y0,x1,y1 and perhaps age ({error})") from error
            if box[0] >= box[2] or box[1] >= box[3]:
                raise ValueError(f"{path}, line {number}: the box is empty")
            found.setdefault(picture, []).append((box, age))
    if not found:
        raise ValueError(f"{path} names no faces")
    return tuple(
        AnnotatedPicture(picture, tuple(box for box, _ in faces), tuple(age for _, age in faces))
        for picture, faces in found.items()
    )


def _found(report: Report, seen: list[Seen], most_missed: float) -> None:
    missed = [entry for entry in seen if not entry.found]
    note = f"{len(missed)} of {len(seen)}"
    report.share("pictures without a face found", len(missed), len(seen), at_most=most_missed, note=note)
    add_thumbnails(report, "No face was found in these", [(entry.path, entry.person) for entry in missed[:SHOWN]])


def _verified(report: Report, seen: list[Seen], compared: Pairs, least_accuracy: float) -> None:
    similarity, same = compared.similarity, compared.same
    called, fold = called_by_folds(similarity, same)
    right = np.equal(called, same)
    report.figure(
        "accuracy, same person or not",
        fold_accuracy(similarity, same),
        interval=bootstrap(lambda drawn: float(right[drawn].mean()), same.astype(int), rounds=500),
        at_least=least_accuracy,
        note=f"{int(fold.max()) + 1} folds over {int(same.sum())} pairs of one person and {int((~same).sum())} of two",
    )
    report.figure("same person recognised, 1 % of strangers let in", true_accept_rate(similarity, same, 0.01))
    report.figure("area under the ROC", area_under_roc(same, similarity))
    report.figure("best threshold, cosine", best_threshold(similarity, same))
    axes = ("strangers taken for one person", "one person recognised")
    add_roc(report, "ROC of verification", axes, [("pairs", same, similarity)])
    edges = np.linspace(float(similarity.min()), float(similarity.max()), 41)
    report.plot(
        "How alike pictures are",
        "cosine similarity",
        "share of pairs",
        [histogram("one person", similarity[same], edges), histogram("two people", similarity[~same], edges)],
    )
    order = np.argsort(similarity)
    least = [place for place in order if same[place]][:SHOWN]
    alike = [place for place in order[::-1] if not same[place]][:SHOWN]
    for title, places in (("Least alike of one person", least), ("Most alike of two people", alike)):
        shown = []
        for place in places:
            one, other = (seen[index] for index in compared.places[place])
            if (picture := side_by_side(one.path, other.path)) is not None:
                shown.append((picture, f"{one.person} · {other.person} · {similarity[place]:.2f}"))
        report.pictures(title, shown)


def _detected(report: Report, engine: FaceEngine, annotations: tuple[AnnotatedPicture, ...]) -> None:
    """Average precision and recall at half overlap, and the F1 of "adult" where ages are known and estimated."""
    scores: list[float] = []
    hits: list[bool] = []
    total = 0
    ages: list[tuple[float, float]] = []
    with bars() as shown:
        for entry in shown.track(annotations, description="Looking for the annotated faces"):
            (found,) = engine.run([FaceQuery(Photo.open(entry.path.read_bytes()), embed=False)])
            partners = matched([face.box for face in found.faces], [face.score for face in found.faces], entry.boxes)
            scores += [face.score for face in found.faces]
            hits += [partner is not None for partner in partners]
            total += len(entry.boxes)
            ages += _ages(found.faces, partners, entry)
    report.share("annotated faces found", sum(hits), total, note=f"of {total}, IoU 0.5")
    report.figure("average precision, IoU 0.5", average_precision(np.array(scores), np.array(hits), total))
    if ages:
        true, guessed = np.array(ages).T
        report.figure("F1 of calling somebody adult", _f1(true >= ADULT, guessed >= ADULT), note=f"{len(ages)} faces")
        report.figure("mean error of the age", float(np.abs(true - guessed).mean()), unit="years")


def _ages(found: tuple[Face, ...], partners: list[int | None], entry: AnnotatedPicture) -> list[tuple[float, float]]:
    known = []
    for face, partner in zip(found, partners, strict=True):
        true = None if partner is None else entry.ages[partner]
        if true is not None and face.age is not None:
            known.append((true, face.age))
    return known


def _f1(true: np.ndarray, called: np.ndarray) -> float:
    right = int((true & called).sum())
    return 2 * right / max(int(true.sum() + called.sum()), 1)
