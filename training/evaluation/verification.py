"""Verification figures from similarities: ten-fold accuracy, true accepts at a rate of false ones, area under the ROC."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Similarities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]


def fold_accuracy(similarity: Similarities, same: Labels, folds: int = 10) -> float:
    """Mean accuracy over folds, each judged by the threshold that is best on the other nine.

    Pairs of one person and of two are dealt into the folds evenly, in the order they come in, as in LFW's View 2.
    """
    fold = np.empty(len(same), dtype=np.int64)
    for label in (True, False):
        members = np.flatnonzero(same == label)
        fold[members] = np.arange(len(members)) * folds // len(members)
    accuracies = []
    for held_out in range(folds):
        rest = fold != held_out
        threshold = best_threshold(similarity[rest], same[rest])
        accuracies.append(np.mean((similarity[~rest] >= threshold) == same[~rest]))
    return float(np.mean(accuracies))


def best_threshold(similarity: Similarities, same: Labels) -> float:
    """The similarity at and above which calling two faces the same person is right most often."""
    candidates = np.unique(similarity)
    right = [np.mean((similarity >= candidate) == same) for candidate in candidates]
    return float(candidates[int(np.argmax(right))])


def true_accept_rate(similarity: Similarities, same: Labels, false_accept_rate: float) -> float:
    """Share of same-person pairs accepted when at most ``false_accept_rate`` of the others are."""
    strangers = np.sort(similarity[~same])[::-1]
    allowed = int(len(strangers) * false_accept_rate)
    return float(np.mean(similarity[same] > strangers[min(allowed, len(strangers) - 1)]))


def area_under_curve(similarity: Similarities, same: Labels) -> float:
    """Probability that a random same-person pair is more alike than a random pair of strangers; ties count half."""
    strangers = np.sort(similarity[~same])
    below = np.searchsorted(strangers, similarity[same], side="left")
    not_above = np.searchsorted(strangers, similarity[same], side="right")
    return float((below + not_above).mean() / (2 * len(strangers)))
