"""Ours against the published style networks: what is lost of the photo, what is caught of the painting, and the cost.

Bars compare both at full strength, which is what each was trained for. A style network trades content for style,
so one pair of numbers says little: every network is also judged along its strength, and both are compared once more
where each may choose the strength at which it comes nearest to the painting.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from training.style.contenders import RUNTIMES, Contender, Timed
from training.style.judge import Judge

STRENGTHS = (1.0, 0.9, 0.75, 0.5)
TIMED_SIDE, TIMED_ROUNDS = 512, 7


@dataclass(frozen=True, slots=True)
class Bar:
    """How a network of ours has to stand against theirs: so many times cheaper, distances at most so many times."""

    cheaper: float
    style: float
    content: float


BARS: Mapping[str, Bar] = {"fine": Bar(3, 1.05, 1.0), "lean": Bar(9, 1.25, 1.05)}
# Levels of 255. From 2.5 on a canvas shows where a photograph is plain.
LATTICE_BAR = 2.0


@dataclass(frozen=True, slots=True)
class Point:
    """One network at one strength, a mean over the photographs."""

    strength: float
    content: float
    style: float
    lattice: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One network in one style; the first point is that of full strength."""

    label: str
    style: str
    points: tuple[Point, ...]

    def nearest(self, content: float) -> float:
        """The least style distance along the strength where the content distance is at most ``content``.

        Straight between the points; NaN where every point has lost more of the photo.
        """
        points = sorted(self.points, key=lambda point: point.content)
        if content < points[0].content:
            return math.nan
        between = np.interp(content, [point.content for point in points], [point.style for point in points])
        return min([float(between), *(point.style for point in points if point.content <= content)])


@dataclass(frozen=True, slots=True)
class Verdict:
    """A network of ours as so many times theirs.

    ``content`` and ``style`` are the distances of both at full strength. ``style_at_best`` is the style distance of
    each at the strength that comes nearest to the painting and loses no more of the photo than theirs does at full
    strength.
    """

    content: float
    style: float
    style_at_best: float


def verdict(ours: Curve, theirs: Curve) -> Verdict:
    """Both treated alike."""
    mine, peer = ours.points[0], theirs.points[0]
    return Verdict(
        mine.content / peer.content,
        mine.style / peer.style,
        ours.nearest(peer.content) / theirs.nearest(peer.content),
    )


def curves(
    judge: Judge, contenders: Sequence[Contender], styles: Sequence[str], advance: Callable[[int, int], None]
) -> list[Curve]:
    """Judge every contender in every style it has, along its strength. ``advance`` is told how many of how many."""
    pairs = [(contender, style) for style in styles for contender in contenders if style in contender.styles]
    drawn: list[Curve] = []
    for contender, style in pairs:
        points: list[Point] = []
        for strength in STRENGTHS:
            advance(len(drawn) * len(STRENGTHS) + len(points), len(pairs) * len(STRENGTHS))
            found = judge.judge(style, partial(contender.paint, style=style, strength=strength))
            points.append(Point(strength, found.content, found.style, found.lattice))
        drawn.append(Curve(contender.label, style, tuple(points)))
    advance(len(pairs) * len(STRENGTHS), len(pairs) * len(STRENGTHS))
    return drawn


def milliseconds(networks: Sequence[Timed], style: str) -> dict[str, dict[str, float]]:
    """Processor time of one picture on one core, by runtime and label: the best of rounds that take turns.

    Processor time and turns keep what else the machine does out of the comparison.
    """
    photo = torch.rand(1, 3, TIMED_SIDE, TIMED_SIDE, generator=torch.Generator().manual_seed(0))
    ready = {(runtime, one.label): one.on(runtime, style, photo) for runtime in RUNTIMES for one in networks}
    best: dict[str, dict[str, float]] = {runtime: {} for runtime in RUNTIMES}
    for _ in range(TIMED_ROUNDS):
        for (runtime, label), paint in ready.items():
            started = time.process_time()
            paint()
            taken = 1000 * (time.process_time() - started)
            best[runtime][label] = min(taken, best[runtime].get(label, taken))
    return best
