"""Percentiles, counted one way wherever they are told or decided on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def quantile(values: Sequence[float], share: float) -> float:
    """The least of the values that ``share`` (0..1) of them do not exceed (nearest rank); NaN for none."""
    return float(np.quantile(values, share, method="inverted_cdf")) if values else float("nan")
