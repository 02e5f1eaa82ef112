"""``masquerade eval swap``: whether it is the source's face, in the target's pose, in an untouched picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from skimage.metrics import structural_similarity

from deployments.errors import FaceUnsuitable
from deployments.faces.engine import FaceEngine
from deployments.faces.engine import build as build_faces
from deployments.faces.types import Face, FaceQuery
from deployments.imaging import Photo, Pixels, encode
from deployments.runtime import Runtime
from deployments.swap.engine import SwapEngine
from deployments.swap.engine import build as build_swap
from deployments.swap.types import SourceFace, SwapQuery
from training.evaluation.curves import histogram
from training.evaluation.people import Seen, look
from training.evaluation.report import Report
from training.evaluation.terminal import conclude
from training.stores import STORE, StoreOption, opened
from training.terminal import bars, explained

SHOWN = 8
SIDE = 240

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Swapped:
    """A swap as the judge sees it: cosines to source and target, degrees of pose error, SSIM outside the face 0..1."""

    to_source: float
    to_target: float
    pose_error: float
    ssim: float
    pictures: Pixels


@app.command(
    epilog="Examples:  masquerade eval swap people/  ·  masquerade eval swap people/ --judge buffalo-l --pairs 200"
)
def swap(
    people: Annotated[Path, typer.Argument(help="A folder with one sub-folder of pictures a person.")],
    model: Annotated[str, typer.Option(help="Swap model.")] = "embedded-swap",
    faces: Annotated[str, typer.Option(help="Face model the swap works with.")] = "dlib-faces",
    judge: Annotated[
        str | None, typer.Option(help="Face model that judges identity; best one the swap does not use.")
    ] = None,
    count: Annotated[int, typer.Option("--pairs", min=2, help="Pairs of strangers to swap.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw of pairs.")] = 0,
    least_gain: Annotated[float, typer.Option(help="Bar for similarity to the source minus to the target.")] = 0.0,
    report: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("reports/eval-swap"),
    store: StoreOption = STORE,
) -> None:
    """Swap faces between strangers and judge identity, pose and what happened to the rest of the picture."""
    with explained():
        models = opened(store)
        version, working = models.get(model), models.get(faces)
        judging = models.get(judge) if judge else working
        finder, judge_engine = build_faces(working, Runtime()), build_faces(judging, Runtime())
        engine = build_swap(version, Runtime())
        seen = [entry for entry in look(people, working, finder, models) if entry.found]
        drawn = strangers(seen, count, seed)
        swapped: list[Swapped] = []
        refused = lost = 0
        with bars() as shown:
            for source, target in shown.track(drawn, description="Swapping"):
                try:
                    result = _swap(engine, finder, source.path, target.path)
                except FaceUnsuitable:
                    refused += 1
                    continue
                verdict = _judged(judge_engine, *result)
                if verdict is None:
                    lost += 1
                else:
                    swapped.append(verdict)
        if not swapped:
            raise ValueError(f"of {len(drawn)} pairs none could be swapped and judged")
        note = "" if judge else " The judge is the model the swap works with; --judge names another."
        written = Report(f"Swaps: {version.ref}", f"{len(drawn)} pairs of strangers, judged by {judging.ref}.{note}")
        _figures(written, swapped, refused, lost, len(drawn), least_gain)
        conclude(written, report)


def strangers(seen: Sequence[Seen], count: int, seed: int) -> list[tuple[Seen, Seen]]:
    """Pairs of pictures of two people, always the same for a seed. Raises ``ValueError`` for one person alone."""
    people = sorted({entry.person for entry in seen})
    if len(people) < 2:
        raise ValueError("a swap needs pictures of at least two people")
    chance = np.random.default_rng(seed)
    by_person = {person: [entry for entry in seen if entry.person == person] for person in people}
    drawn = []
    for _ in range(count):
        one, other = (by_person[people[place]] for place in chance.choice(len(people), 2, replace=False))
        drawn.append((one[int(chance.integers(len(one)))], other[int(chance.integers(len(other)))]))
    return drawn


def _swap(engine: SwapEngine, finder: FaceEngine, source: Path, target: Path) -> tuple[Photo, Photo, Face, Pixels]:
    photos = [Photo.open(path.read_bytes()) for path in (source, target)]
    found = finder.run([FaceQuery(photo, dense=True) for photo in photos])
    giver, taker = (max(faces.faces, key=lambda face: face.quality.size) for faces in found)
    query = SwapQuery(photos[1], (taker,), (SourceFace(photos[0], giver, found[0].space),), ((0, 0),))
    (result,) = engine.run([query])
    return photos[0], photos[1], taker, result.pixels


def _judged(judge: FaceEngine, source: Photo, target: Photo, taker: Face, result: Pixels) -> Swapped | None:
    """None when the judge finds no face in one of the three pictures."""
    shown = Photo.open(encode(result, "image/png"))
    largest = [
        max(found.faces, key=lambda face: face.quality.size, default=None)
        for found in judge.run([FaceQuery(photo) for photo in (source, target, shown)])
    ]
    if any(face is None for face in largest):
        return None
    giver, before, after = (face for face in largest if face is not None)
    turns = (after.pose.yaw - before.pose.yaw, after.pose.pitch - before.pose.pitch, after.pose.roll - before.pose.roll)
    return Swapped(
        _cosine(after, giver),
        _cosine(after, before),
        float(np.abs(turns).mean()),
        outside(target.pixels(), result, taker.box),
        np.hstack(
            [_square(source.pixels(), giver.box), _square(target.pixels(), taker.box), _square(result, taker.box)]
        ),
    )


def outside(target: Pixels, result: Pixels, box: tuple[float, float, float, float]) -> float:
    """SSIM (Wang et al. 2004) of the picture without the face's box, which is to stay as it was; 1 is untouched."""
    _, values = structural_similarity(target, result, channel_axis=2, full=True)  # type: ignore[no-untyped-call]
    kept = np.ones(values.shape[:2], dtype=bool)
    x0, y0, x1, y1 = (round(edge) for edge in box)
    kept[max(y0, 0) : y1, max(x0, 0) : x1] = False
    return float(values[kept].mean()) if kept.any() else 1.0


def _figures(
    report: Report, swapped: Sequence[Swapped], refused: int, lost: int, total: int, least_gain: float
) -> None:
    gains = np.array([entry.to_source - entry.to_target for entry in swapped])
    better = int((gains > 0).sum())
    report.figure("similarity to the source minus to the target", float(gains.mean()), at_least=least_gain)
    report.share("more like the source", better, len(gains))
    report.figure("pose error", float(np.mean([entry.pose_error for entry in swapped])), unit="degrees")
    report.figure("SSIM outside the face", float(np.mean([entry.ssim for entry in swapped])))
    report.share("refused as unsuitable", refused, total)
    report.share("no face found afterwards", lost, total)
    gained = histogram("swaps", gains, np.linspace(-1, 1, 41))
    report.plot("Whose face it is", "similarity to source minus to target", "share of swaps", [gained])
    order = np.argsort(-gains)
    places = order[np.linspace(0, len(order) - 1, min(SHOWN, len(order))).astype(int)]
    report.pictures(
        "From the best to the worst: source, target, result",
        [(swapped[place].pictures, f"{gains[place]:+.2f}") for place in places],
    )


def _cosine(one: Face, other: Face) -> float:
    if one.embedding is None or other.embedding is None:
        raise ValueError("the judge does not embed faces; name another with --judge")
    return float(one.embedding @ other.embedding)


def _square(picture: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    """The face with some of what is around it."""
    x0, y0, x1, y1 = box
    half = round(0.9 * max(x1 - x0, y1 - y0))
    column, row = round((x0 + x1) / 2), round((y0 + y1) / 2)
    padded = cv2.copyMakeBorder(picture, half, half, half, half, cv2.BORDER_REPLICATE)
    cut = padded[row : row + 2 * half, column : column + 2 * half]
    return np.asarray(cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
