"""Probabilities for pictures whose origin is known, and every figure, table and plot that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.authenticity.data import Example, balanced_weights, labels
from training.evaluation.report import Cell, Report, Series
from training.evaluation.statistics import (
    Numbers,
    area_under_roc,
    balanced_accuracy,
    bootstrap,
    calibration_error,
    wilson,
)

HELD_OUT = "held out"
"""What pictures are called that nothing was learnt from, though from their sources."""
PUBLISHED: float = 0.62
"""Accuracy on unseen data that is published for the three-block CNN this work is compared with."""
FALSE_ALARMS: float = 0.05
"""Photographs called machine-made: the bar."""

_BINS = 10


@dataclass(frozen=True)
class Judged:
    """Pictures with the probability that each is machine-made, and the unsure band."""

    examples: tuple[Example, ...]
    probabilities: Numbers
    unsure: tuple[float, float]

    @property
    def truth(self) -> npt.NDArray[np.bool_]:
        return labels(self.examples)

    @property
    def called_real(self) -> npt.NDArray[np.bool_]:
        return self.probabilities < self.unsure[0]

    @property
    def called_ai(self) -> npt.NDArray[np.bool_]:
        return self.probabilities > self.unsure[1]

    @property
    def decided(self) -> npt.NDArray[np.bool_]:
        return self.called_real | self.called_ai

    def part(self, *, unseen: bool) -> Judged:
        """Only pictures of sources that are (not) kept unseen."""
        chosen = np.array([example.unseen == unseen for example in self.examples], bool)
        some = tuple(example for example in self.examples if example.unseen == unseen)
        return Judged(some, self.probabilities[chosen], self.unsure)

    @property
    def comparable(self) -> bool:
        """Whether both classes are there."""
        return bool(self.truth.any() and not self.truth.all())


def accuracy(judged: Judged) -> tuple[float, tuple[float, float]]:
    """Balanced accuracy when forced to decide at one half, with its interval."""
    truth, called = judged.truth, judged.probabilities > 0.5
    value = balanced_accuracy(truth, called)
    return value, bootstrap(lambda index: balanced_accuracy(truth[index], called[index]), truth.astype(int))


def add_figures(report: Report, judged: Judged, where: str, *, barred: bool) -> None:
    """Accuracy, false alarms, what the unsure band leaves and how often that is right."""
    truth, decided = judged.truth, judged.decided
    value, interval = accuracy(judged)
    report.figure(
        f"balanced accuracy, {where}",
        value,
        unit="%",
        interval=interval,
        at_least=PUBLISHED if barred else None,
        note="forced to decide at one half",
    )
    area = bootstrap(lambda i: area_under_roc(truth[i], judged.probabilities[i]), truth.astype(int), rounds=500)
    report.figure(f"area under ROC, {where}", area_under_roc(truth, judged.probabilities), interval=area)
    alarms, photographs = int(judged.called_ai[~truth].sum()), int((~truth).sum())
    report.share(
        f"photographs called machine-made, {where}",
        alarms,
        photographs,
        unit="%",
        at_most=FALSE_ALARMS if barred else None,
        note=f"{alarms} of {photographs}, at the shipped threshold",
    )
    found, machine_made = int(judged.called_ai[truth].sum()), int(truth.sum())
    report.share(f"machine-made pictures found, {where}", found, machine_made, unit="%")
    count = int(decided.sum())
    report.share(f"decided, {where}", count, len(decided), unit="%", note="not unsure")
    right = int((judged.called_ai == truth)[decided].sum())
    if count:
        report.share(f"right where decided, {where}", right, count, unit="%")
    weights = balanced_weights(judged.examples)
    report.figure(f"calibration error, {where}", calibration_error(truth, judged.probabilities, weights))


def source_rows(judged: Judged) -> list[tuple[Cell, ...]]:
    """One row a source: how many, of which kind, and what they were called."""
    names = np.array([example.source for example in judged.examples])
    rows: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(names.tolist()):
        own = names == name
        machine_made = bool(judged.truth[own][0])
        wrong = judged.called_real if machine_made else judged.called_ai
        low, high = wilson(int(wrong[own].sum()), int(own.sum()))
        rows.append(
            (
                name,
                "machine-made" if machine_made else "photographs",
                int(own.sum()),
                *(f"{share[own].mean():.0%}" for share in (judged.called_real, ~judged.decided, judged.called_ai)),
                f"{wrong[own].mean():.1%} ({low:.1%} to {high:.1%})",
                f"{((judged.probabilities > 0.5) == judged.truth)[own].mean():.1%}",
            )
        )
    return rows


SOURCE_COLUMNS = (
    "Source",
    "What",
    "Pictures",
    "Called real",
    "Unsure",
    "Called machine-made",
    "Called wrong",
    "Right when forced",
)


def add_reliability(report: Report, judged: Judged, where: str) -> None:
    """How often pictures are machine-made of which a probability is said, and how the probabilities spread."""
    weights, truth = balanced_weights(judged.examples), judged.truth
    index = np.minimum((judged.probabilities * _BINS).astype(int), _BINS - 1)
    x, y, low, high = [], [], [], []
    for place in range(_BINS):
        own = index == place
        if not own.any():
            continue
        share = float((truth * weights)[own].sum() / weights[own].sum())
        # Of pictures that weigh differently, as many as would tell as much if all weighed the same (Kish 1965).
        count = float(weights[own].sum() ** 2 / np.square(weights[own]).sum())
        bounds = wilson(share * count, count)
        x.append(float((judged.probabilities * weights)[own].sum() / weights[own].sum()))
        y.append(share)
        low.append(bounds[0])
        high.append(bounds[1])
    points = Series(name="found", x=tuple(x), y=tuple(y), low=tuple(low), high=tuple(high), shape="points")
    report.plot(
        f"Reliability, {where}",
        "probability said",
        "share that is machine-made",
        [Series(name="perfect", x=(0, 1), y=(0, 1), muted=True), points],
        x_limits=(0, 1),
        y_limits=(0, 1),
        bands=[(*judged.unsure, "unsure")],
        note="Both classes and the sources of each weigh the same; bars are 95 % Wilson intervals.",
    )
    middles = (np.arange(20) + 0.5) / 20
    bars = [
        Series(
            name=name,
            x=tuple(middles),
            y=tuple((np.histogram(judged.probabilities[own], 20, (0, 1))[0] / max(1, own.sum())).round(4)),
            shape="bars",
        )
        for name, own in (("machine-made", truth), ("photographs", ~truth))
    ]
    report.plot(
        f"What is said, {where}",
        "probability said",
        "share of the class",
        bars,
        x_limits=(0, 1),
        bands=[(*judged.unsure, "unsure")],
    )
