"""How raw log odds are to be read, found on pictures whose source the rater had never seen.

Within a source a detector is nearly always right and would be calibrated to be sure of itself; what people send comes
from anywhere. So the probability and the band are fitted to the answers of leave-one-source-out models.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from deployments.authenticity.opinion import Calibration
from training.evaluation.statistics import Numbers

FALSE_ALARMS: Final = 0.04
"""Photographs called machine-made, at most: a little below the bar of 5 % that is reported."""
MISSES: Final = 0.1
"""Machine-made pictures called real, at most."""

# Keeps the fit from running away where a handful of pictures is perfectly told apart.
_PRIOR = 1e-3


def platt(logits: Numbers, truth: npt.NDArray[np.bool_], weights: Numbers) -> tuple[float, float]:
    """Scale and offset of the logistic function of the logits with the lowest weighted cross-entropy; scale > 0."""
    given, target = torch.from_numpy(logits), torch.from_numpy(truth).double()
    weight = torch.from_numpy(weights)
    parameters = torch.zeros(2, dtype=torch.float64, requires_grad=True)  # log of the scale, offset
    optimiser = torch.optim.LBFGS([parameters], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimiser.zero_grad()
        shown = parameters[0].exp() * given + parameters[1]
        losses = functional.binary_cross_entropy_with_logits(shown, target, reduction="none")
        loss = (weight * losses).mean() + _PRIOR * (parameters**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        return float(loss.detach())

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    scale, offset = parameters.detach().exp()[0].item(), parameters[1].item()
    return scale, offset


def band(probabilities: Numbers, truth: npt.NDArray[np.bool_], weights: Numbers) -> tuple[float, float]:
    """The ends of the unsure band.

    No more than :data:`FALSE_ALARMS` of the photographs lie above it, and no more than :data:`MISSES` of the
    machine-made pictures below it, by weight.
    """
    high = -_quantile(-probabilities[~truth], weights[~truth], FALSE_ALARMS)
    low = _quantile(probabilities[truth], weights[truth], MISSES)
    # Where the two cross, neither side is given what the other one claims.
    low, high = min(low, high), max(low, high)
    return math.floor(low * 1000) / 1000, math.ceil(high * 1000) / 1000


def calibrate(logits: Numbers, truth: npt.NDArray[np.bool_], weights: Numbers) -> Calibration:
    """The calibration that goes into the manifest. ``weights`` say how much each picture counts."""
    scale, offset = platt(logits, truth, weights)
    probabilities = 1 / (1 + np.exp(-(scale * logits + offset)))
    return Calibration(scale=round(scale, 4), offset=round(offset, 4), unsure=band(probabilities, truth, weights))


def _quantile(values: Numbers, weights: Numbers, share: float) -> float:
    """The largest of the values below which lies no more than ``share`` of the weight."""
    order = np.argsort(values)
    before = np.cumsum(weights[order]) - weights[order]
    allowed = values[order][before <= share * weights.sum()]
    return float(allowed[-1])
