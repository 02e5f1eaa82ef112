"""How well boxes were found: matching by overlap and average precision (Everingham et al. 2010, all points)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from deployments.faces.boxes import overlap
from deployments.faces.types import Box


def matched(found: Sequence[Box], scores: Sequence[float], true: Sequence[Box], least: float = 0.5) -> list[int | None]:
    """For every box found, the true box it stands for, or None. The surest choose first, and each true box goes once."""
    partners: list[int | None] = [None] * len(found)
    free = set(range(len(true)))
    for place in sorted(range(len(found)), key=lambda index: -scores[index]):
        best = max(free, key=lambda index: overlap(found[place], true[index]), default=None)
        if best is not None and overlap(found[place], true[best]) >= least:
            partners[place] = best
            free.remove(best)
    return partners


def average_precision(scores: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_], total: int) -> float:
    """Area under precision over recall, precision made monotonic. ``total`` is how many there were to find."""
    if not len(scores) or not total:
        return 0.0
    right = np.cumsum(hits[np.argsort(-scores, kind="stable")])
    precision = right / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = np.append(0.0, right / total)
    return float((np.diff(recall) * precision).sum())
