"""Intervals and curves that several evaluations need."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
_Z = NormalDist().inv_cdf(0.975)


def wilson(hits: float, total: float) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share; 0..1 when nothing was counted. Weighted counts need not be whole."""
    if total == 0:
        return 0.0, 1.0
    share, spread = hits / total, _Z**2 / total
    centre = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap(
    figure: Callable[[npt.NDArray[np.int_]], float], strata: npt.NDArray[np.int_], *, rounds: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % percentile interval of ``figure`` over pictures drawn anew, with replacement, within each stratum.

    ``figure`` gets the indices drawn; ``strata`` numbers every picture's class, whose sizes stay as they are.
    """
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    drawn = [
        figure(np.concatenate([generator.choice(member, len(member)) for member in members])) for _ in range(rounds)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def balanced_accuracy(labels: npt.NDArray[np.bool_], called: npt.NDArray[np.bool_]) -> float:
    """Mean of the shares called right among positives and among negatives. Raises ``ValueError`` for one class only."""
    if labels.all() or not labels.any():
        raise ValueError("balanced accuracy needs pictures of both classes")
    return float((called[labels].mean() + (~called[~labels]).mean()) / 2)


def roc(labels: npt.NDArray[np.bool_], scores: Numbers) -> tuple[Numbers, Numbers]:
    """False- and true-positive rate as the threshold falls from above every score to below; equal scores move as one.

    Raises ``ValueError`` for one class only.
    """
    if labels.all() or not labels.any():
        raise ValueError("a ROC curve needs pictures of both classes")
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    true = np.cumsum(labels[order])[ends] / labels.sum()
    false = np.cumsum(~labels[order])[ends] / (~labels).sum()
    return np.append(0.0, false), np.append(0.0, true)


def area_under_roc(labels: npt.NDArray[np.bool_], scores: Numbers) -> float:
    """Chance that a positive scores higher than a negative, ties half. Raises ``ValueError`` for one class only."""
    false, true = roc(labels, scores)
    return float(np.trapezoid(true, false))


def calibration_error(labels: npt.NDArray[np.bool_], probabilities: Numbers, weights: Numbers, bins: int = 10) -> float:
    """Expected calibration error: mean distance of stated and found share over equal bins, by their weight."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    total = 0.0
    for place in range(bins):
        member = index == place
        if weight := float(weights[member].sum()):
            stated = float((probabilities[member] * weights[member]).sum()) / weight
            found = float((labels[member] * weights[member]).sum()) / weight
            total += weight * abs(stated - found)
    return total / float(weights.sum())
