"""Curves that several evaluations draw."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from training.evaluation.report import Report, Series
from training.evaluation.statistics import Numbers, roc

CHANCE = Series(name="chance", x=(0.0, 1.0), y=(0.0, 1.0), muted=True)


def add_roc(
    report: Report,
    title: str,
    axes: tuple[str, str],
    curves: Iterable[tuple[str, npt.NDArray[np.bool_], Numbers]],
    note: str = "",
) -> None:
    """A curve for each name, labels and scores, beside that of chance; ``axes`` say what false and true positives are."""
    series = []
    for name, labels, scores in curves:
        false, true = (tuple(rates.round(5).tolist()) for rates in roc(labels, scores))
        series.append(Series(name=name, x=false, y=true))
    report.plot(title, *axes, [*series, CHANCE], note=note)


def histogram(name: str, values: Numbers, edges: Numbers) -> Series:
    """The share of ``values`` between each two of ``edges``, over the middles between them."""
    counts, _ = np.histogram(values, edges)
    middles = (edges[:-1] + edges[1:]) / 2
    return Series(name=name, x=tuple(middles.tolist()), y=tuple((counts / max(len(values), 1)).tolist()))
