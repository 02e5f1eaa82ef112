"""From a cosine to a number a person can read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from registry.manifest import Strict

# Nobody is wholly like, or wholly unlike, anybody else.
FLOOR: Final = 1.0
CEILING: Final = 99.0

METHOD: Final = (
    "Everybody has a closest double in this gallery. N % means: of 100 people, N are less like their own closest double "
    "than these two faces are like each other. Never below 1 or above 99."
)

Basis = Literal["gallery", "reference"]


class Calibration(Strict):
    """A monotone curve through ``(cosine, percent)`` knots.

    ``basis`` says where it comes from: ``gallery``, how alike each person of the gallery and their closest double are;
    ``reference``, what a gallery of this size would show, by the distribution of cosines between different people in
    this embedding space. ``people`` is the gallery's size, by which the curve holds.
    """

    basis: Basis
    people: Annotated[int, Field(ge=0)]
    cosines: Annotated[tuple[float, ...], Field(min_length=2, max_length=1000)]
    percents: Annotated[tuple[float, ...], Field(min_length=2, max_length=1000)]

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if len(self.cosines) != len(self.percents):
            raise ValueError("a calibration needs one per cent for each cosine")
        if not all(np.isfinite((*self.cosines, *self.percents))):
            raise ValueError("a calibration holds numbers only")
        if any(np.diff(self.cosines) <= 0) or any(np.diff(self.percents) < 0):
            raise ValueError("a calibration has to rise")
        return self

    def percent(self, cosine: float) -> float:
        """The similarity in per cent, between ``FLOOR`` and ``CEILING``. Never falls as ``cosine`` rises."""
        return float(np.clip(np.interp(cosine, self.cosines, self.percents), FLOOR, CEILING))


def read_calibration(path: Path) -> Calibration:
    """Read what the builder wrote. Raises ``ValueError`` when it is not a calibration, ``OSError`` when not there."""
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path.name} is not a calibration: {error}") from error
