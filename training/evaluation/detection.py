"""How well boxes were found: matching by overlap and average precision (Everingham et al. 2010, all points)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


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
