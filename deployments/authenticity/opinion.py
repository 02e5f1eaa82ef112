"""From a detector's raw output to an opinion that knows its doubts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, FiniteFloat, model_validator

from registry.manifest import Strict

Share = Annotated[float, Field(ge=0, le=1)]

_EVENS = 0.5
"""What is to be said of a picture nothing is known of, among as many photographs as machine-made pictures."""


class Verdict(StrEnum):
    """What is said of a picture."""

    REAL = "real"
    AI = "ai"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Opinion:
    """``probability_ai`` (0..1) is calibrated for as many photographs as machine-made pictures.

    ``unsure`` are the ends of the band within which the verdict is :attr:`Verdict.UNSURE`.
    """

    verdict: Verdict
    probability_ai: float
    unsure: tuple[float, float]


class Calibration(Strict):
    """How a version's raw log odds are to be read: ``calibration`` under ``input`` in its manifest.

    Platt scaling: the probability is the logistic function of ``scale * logit + offset``. Below ``unsure[0]`` a picture
    is called real, above ``unsure[1]`` machine-made.
    """

    scale: Annotated[FiniteFloat, Field(gt=0)] = 1.0
    offset: FiniteFloat = 0.0
    unsure: tuple[Share, Share] = (0.25, 0.75)

    @model_validator(mode="after")
    def _band_is_ordered(self) -> Self:
        if self.unsure[0] > self.unsure[1]:
            raise ValueError("the unsure band ends before it begins")
        return self

    def opinion(self, logit: float | None) -> Opinion:
        """The opinion behind raw log odds of "machine-made", or behind none where the picture has nothing to judge by.

        Raises ``ValueError`` for what is not a number.
        """
        if logit is None:
            return Opinion(Verdict.UNSURE, min(max(_EVENS, self.unsure[0]), self.unsure[1]), self.unsure)
        if math.isnan(logit):
            raise ValueError("the detector gave no number")
        probability = 1 / (1 + math.exp(-min(max(self.scale * logit + self.offset, -700.0), 700.0)))
        low, high = self.unsure
        verdict = Verdict.REAL if probability < low else Verdict.AI if probability > high else Verdict.UNSURE
        return Opinion(verdict, probability, self.unsure)
