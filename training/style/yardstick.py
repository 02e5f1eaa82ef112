"""Ours against the published style networks: what is lost of the photo, what is caught of the painting, and the cost.

A style network trades content for style, so one pair of numbers says little. Every network is therefore judged along
its whole strength, and ours passes a bar where some strength keeps as much of the photo and is as close to the
painting as the bar asks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.style.contenders import Contender
from training.style.judge import Judge, Judgement

STRENGTHS = (1.0, 0.9, 0.75, 0.5)
TIMED_SIDE, TIMED_ROUNDS = 512, 7

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Bar:
    """How a network of ours has to stand against theirs: so many times cheaper, distances at most so many times."""

    cheaper: float
    style: float
    content: float


BARS: Mapping[str, Bar] = {"fine": Bar(3, 1.05, 1.0), "lean": Bar(9, 1.25, 1.05)}


@dataclass(frozen=True, slots=True)
class Point:
    """One network at one strength, a mean over the photographs."""

    strength: float
    content: float
    style: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One network in one style; the first point is that of full strength."""

    label: str
    style: str
    points: tuple[Point, ...]

    def nearest(self, content: float) -> Point:
        """The point nearest to the painting among those that keep the photo at least so well, else the last."""
        admitted = [point for point in self.points if point.content <= content]
        return min(admitted, key=lambda point: point.style) if admitted else self.points[-1]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A curve of ours held against the full strength of theirs."""

    ours: str
    style: str
    bar: Bar
    point: Point
    theirs: Point
    cheaper: float

    @property
    def passed(self) -> bool:
        return (
            self.cheaper >= self.bar.cheaper
            and self.point.style <= self.bar.style * self.theirs.style
            and self.point.content <= self.bar.content * self.theirs.content
        )


def curves(judge: Judge, contenders: Sequence[Contender], styles: Sequence[str], progress: Progress) -> list[Curve]:
    """Judge every contender in every style it has, along its strength."""
    pairs = [(contender, style) for style in styles for contender in contenders if style in contender.styles]
    drawn: list[Curve] = []
    for contender, style in pairs:
        points: list[Point] = []
        for strength in STRENGTHS:
            progress("judging", len(drawn) * len(STRENGTHS) + len(points), len(pairs) * len(STRENGTHS))
            found: Judgement = judge.judge(style, _painter(contender, style, strength))
            points.append(Point(strength, found.content, found.style))
        drawn.append(Curve(contender.label, style, tuple(points)))
    progress("judging", len(pairs) * len(STRENGTHS), len(pairs) * len(STRENGTHS))
    return drawn


def _painter(contender: Contender, style: str, strength: float) -> Callable[[Tensor], Tensor]:
    return lambda photo: contender.paint(photo, style, strength)


def milliseconds(contenders: Sequence[Contender], style: str) -> dict[str, float]:
    """Processor time of one picture on one core, by label: the best of rounds that take turns.

    Processor time and turns keep what else the machine does out of the comparison.
    """
    photo = torch.rand(1, 3, TIMED_SIDE, TIMED_SIDE, generator=torch.Generator().manual_seed(0))
    best: dict[str, float] = {}
    for _ in range(TIMED_ROUNDS):
        for contender in contenders:
            started = time.process_time()
            contender.run(style, photo)
            taken = 1000 * (time.process_time() - started)
            best[contender.label] = min(taken, best.get(contender.label, taken))
    return best


def verdict(bar: Bar, ours: Curve, theirs: Curve, times: Mapping[str, float]) -> Verdict:
    """Whether ``ours`` clears ``bar``, at the strength that serves it best."""
    peer = theirs.points[0]
    cheaper = times[theirs.label] / times[ours.label]
    return Verdict(ours.label, ours.style, bar, ours.nearest(bar.content * peer.content), peer, cheaper)
