"""What the embedded swap is worth on pairs of strangers of LFW, and how fast faces are pasted back.

The figures are judged by SCRFD, MobileFaceNet and face-api.js' 68 points, which have no part in making the swaps.
``python -m benchmarks.faces.swap --sheet swaps.png`` writes 40 results to look at: source, target, naive paste, ours.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from benchmarks.faces import engines, lfw, swap_paste
from benchmarks.faces.command import measure, parser
from benchmarks.faces.swap_baselines import Pair, naive, poisson, strangers
from benchmarks.figures import Figure
from deployments.errors import FaceUnsuitable
from deployments.faces import landmarks
from deployments.faces.engine import build
from deployments.faces.types import Face, FaceQuery
from deployments.imaging import Photo, Pixels, encode
from deployments.runtime import Runtime
from deployments.swap.embedded import EmbeddedSwapper
from deployments.swap.engine import SwapEngine

PAIRS: Final = 200
SHEET: Final = 40
_TILE: Final = 190


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the judge sees one result: cosine similarities, degrees, and a share of the distance between the eyes."""

    to_source: float
    to_target: float
    pose_error: float
    landmark_error: float


@dataclass(frozen=True, slots=True)
class Swapped:
    """The pairs that were swapped, with the results, how long one took, and the share of all pairs refused."""

    pairs: list[Pair]
    results: list[Pixels]
    seconds: float
    refused: float


class Judge:
    """An independent look at pictures: who is it, where does the head point, where are the points."""

    def __init__(self, data: Path) -> None:
        points = engines.landmark_model(data)
        self._engine = build(engines.scrfd_mobilefacenet(data), Runtime(), [points])

    def verdicts(self, pairs: Sequence[Pair], results: Sequence[Pixels]) -> list[Verdict | None]:
        """One for each pair; None where a face cannot be found any more."""
        return [self._verdict(pair, result) for pair, result in zip(pairs, results, strict=True)]

    def _verdict(self, pair: Pair, result: Pixels) -> Verdict | None:
        source, target = self._face(pair.source.photo), self._face(pair.target)
        seen = self._face(Photo.open(encode(result, "image/png")))
        if source is None or target is None or seen is None:
            return None
        return Verdict(_similarity(seen, source), _similarity(seen, target), *_errors(seen, target))

    def _face(self, photo: Photo) -> Face | None:
        (found,) = self._engine.run([FaceQuery(photo, dense=True)])
        return lfw.central(found.faces, photo)


def run(data: Path) -> list[Figure]:
    """Swap 200 pairs, judge them beside the baselines, and time the way back of inswapper's crops."""
    swapped = swap(strangers(data, PAIRS))
    judge = Judge(data)
    figures = [
        Figure("refused for pose", 100 * swapped.refused, 25, "%", higher_is_better=False),
        Figure("time per face", 1000 * swapped.seconds, unit="ms", higher_is_better=False),
    ]
    for name, results, bar in (
        ("untouched", [pair.target.pixels() for pair in swapped.pairs], None),
        ("naive paste", [naive(pair) for pair in swapped.pairs], None),
        ("Poisson recipe", [poisson(pair) for pair in swapped.pairs], None),
        ("ours", swapped.results, 0.3),
    ):
        figures += _figures(name, judge.verdicts(swapped.pairs, results), bar)
    faster, difference = swap_paste.measure(data)
    return [
        *figures,
        Figure("paste-back against insightface's", faster, 5, "times faster"),
        Figure("paste-back: difference inside the masks", difference, 2, "of 255", higher_is_better=False),
    ]


def swap(pairs: Sequence[Pair]) -> Swapped:
    """Put every source on its target, one face at a time."""
    engine = SwapEngine(EmbeddedSwapper())
    done: list[Pair] = []
    results: list[Pixels] = []
    seconds = 0.0
    for pair in pairs:
        started = time.perf_counter()
        try:
            (result,) = engine.run([pair.query()])
        except FaceUnsuitable:
            continue
        seconds += time.perf_counter() - started
        done.append(pair)
        results.append(result.pixels)
    return Swapped(done, results, seconds / max(len(done), 1), 1 - len(done) / len(pairs))


def sheet(data: Path, first: int = 0) -> Pixels:
    """Forty results in two columns: source, target, naive paste, ours; from the ``first`` that was not refused on."""
    # Some of the pairs will be refused.
    swapped = swap(strangers(data, 2 * (first + SHEET)))
    rows = [
        np.hstack(
            [_tile(picture) for picture in (pair.source.photo.pixels(), pair.target.pixels(), naive(pair), result)]
        )
        for pair, result in zip(swapped.pairs, swapped.results, strict=True)
    ][first : first + SHEET]
    half = len(rows) // 2
    return np.hstack([np.vstack(rows[:half]), np.vstack(rows[half : 2 * half])])


def _figures(name: str, verdicts: Sequence[Verdict | None], bar: float | None) -> list[Figure]:
    seen = [verdict for verdict in verdicts if verdict is not None]
    gains = np.array([verdict.to_source - verdict.to_target for verdict in seen])
    return [
        Figure(f"{name}: similarity to source minus to target", float(gains.mean()), bar),
        Figure(f"{name}: more like the source", 100 * float((gains > 0).mean()), unit="%"),
        Figure(
            f"{name}: pose error against the target",
            float(np.mean([verdict.pose_error for verdict in seen])),
            unit="degrees",
            higher_is_better=False,
        ),
        Figure(
            f"{name}: landmark error against the target",
            100 * float(np.mean([verdict.landmark_error for verdict in seen])),
            unit="% of eye distance",
            higher_is_better=False,
        ),
        Figure(
            f"{name}: face not found any more", 100 * (1 - len(seen) / len(verdicts)), unit="%", higher_is_better=False
        ),
    ]


def _similarity(one: Face, other: Face) -> float:
    if one.embedding is None or other.embedding is None:
        raise ValueError("the judge was asked for embeddings")
    return float(one.embedding @ other.embedding)


def _errors(seen: Face, target: Face) -> tuple[float, float]:
    turns = [seen.pose.yaw - target.pose.yaw, seen.pose.pitch - target.pose.pitch, seen.pose.roll - target.pose.roll]
    one, other = landmarks.dense_points(seen), landmarks.dense_points(target)
    eyes = float(np.linalg.norm(target.landmarks[0] - target.landmarks[1]))
    return float(np.abs(turns).mean()), float(np.linalg.norm(one - other, axis=1).mean()) / eyes


def _tile(picture: Pixels) -> Pixels:
    """The middle of an LFW picture."""
    height, width = picture.shape[:2]
    top, left = (height - _TILE) // 2, (width - _TILE) // 2
    middle = picture[top : top + _TILE, left : left + _TILE]
    return np.asarray(cv2.resize(middle, (_TILE, _TILE)), dtype=np.uint8)


def main() -> None:
    """Measure and print the table, or write the sheet that was asked for."""
    arguments: argparse.ArgumentParser = parser("Swap")
    arguments.add_argument("--sheet", type=Path, help=f"write {SHEET} results to this PNG instead of measuring")
    arguments.add_argument("--first", type=int, default=0, help="the first result on the sheet (default: 0)")
    options = arguments.parse_args()
    if options.sheet is not None:
        options.sheet.write_bytes(encode(sheet(options.data, options.first), "image/png"))
        return
    figures = measure("Swap", run, options.data)
    sys.exit(0 if all(figure.passed for figure in figures) else 1)


if __name__ == "__main__":
    main()
