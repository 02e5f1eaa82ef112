"""Verification figures from similarities: ten-fold accuracy, true accepts at a rate of false ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Similarities = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]


def called_by_folds(similarity: Similarities, same: Labels, folds: int = 10) -> tuple[Labels, npt.NDArray[np.int64]]:
    """What every pair is called by the threshold that is best on the other folds, and which fold it is in.

    Pairs of one person and of two are dealt into the folds evenly, in the order they come in, as in LFW's View 2; of few
    pairs there are fewer folds. Raises ``ValueError`` for less than two pairs of either kind.
    """
    folds = min(folds, int(same.sum()), int((~same).sum()))
    if folds < 2:
        raise ValueError("a threshold cannot be tried out on less than two pairs of one person and two of two people")
    fold = np.empty(len(same), dtype=np.int64)
    for label in (True, False):
        members = np.flatnonzero(same == label)
        fold[members] = np.arange(len(members)) * folds // len(members)
    called = np.empty(len(same), dtype=np.bool_)
    for held_out in range(folds):
        rest = fold != held_out
        called[~rest] = similarity[~rest] >= best_threshold(similarity[rest], same[rest])
    return called, fold


def fold_accuracy(similarity: Similarities, same: Labels, folds: int = 10) -> float:
    """Mean accuracy over folds; see :func:`called_by_folds`."""
    called, fold = called_by_folds(similarity, same, folds)
    return float(np.mean([np.mean((called == same)[fold == one]) for one in np.unique(fold)]))


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
