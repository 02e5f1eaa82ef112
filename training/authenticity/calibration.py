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
"""Photographs of any one source called machine-made, at most: a little below the bar of 5 % that is reported."""
MISSES: Final = 0.1
"""Machine-made pictures of any one source called real, at most."""

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
        return float(loss)

    optimiser.step(closure)  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    scale, offset = parameters.detach().exp()[0].item(), parameters[1].item()
    return scale, offset


def band(probabilities: Numbers, truth: npt.NDArray[np.bool_], sources: npt.NDArray[np.str_]) -> tuple[float, float]:
    """The ends of the unsure band.

    No source's photographs are called machine-made, and no source's machine-made pictures real, more often than
    :data:`FALSE_ALARMS` and :data:`MISSES` allow.
    """
    high = max(_quantile(probabilities[sources == name], 1 - FALSE_ALARMS) for name in np.unique(sources[~truth]))
    low = min(_quantile(probabilities[sources == name], MISSES) for name in np.unique(sources[truth]))
    # Where the two cross, everything would be sure: then neither side is given what the other one claims.
    low, high = min(low, high), max(low, high)
    return float(np.floor(low * 1000) / 1000), float(np.ceil(high * 1000) / 1000)


def calibrate(
    logits: Numbers, truth: npt.NDArray[np.bool_], sources: npt.NDArray[np.str_], weights: Numbers
) -> Calibration:
    """The calibration that goes into the manifest."""
    scale, offset = platt(logits, truth, weights)
    probabilities = 1 / (1 + np.exp(-(scale * logits + offset)))
    low, high = band(probabilities, truth, sources)
    return Calibration(scale=round(scale, 4), offset=round(offset, 4), unsure=(low, high))


def _quantile(values: Numbers, share: float) -> float:
    """The smallest value that at least ``share`` of the values do not exceed, or the largest that it does (below ½)."""
    ordered, place = np.sort(values), share * (len(values) - 1)
    return float(ordered[math.ceil(place) if share > 0.5 else math.floor(place)])
