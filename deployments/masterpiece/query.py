"""What is asked of the optimisation, and how far it has come. Plain data: no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from deployments.errors import InvalidField
from deployments.imaging import Photo

# About the size that strokes of the style picture have on its canvas, and minutes instead of hours on a processor.
WORKING_PIXELS = 200_000
STEPS = 120
# One call's share: seconds on a processor core, so that a withdrawn job stops soon and a lost replica loses little.
STEPS_A_CALL = 6

Half = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Sketch:
    """An optimisation in the middle: the canvas [3,H,W] RGB 0..1 and Adam's moments, each over its own largest value.

    At half precision the three fit a message between deployments.
    """

    canvas: Half = field(repr=False)
    momentum: Half = field(repr=False)
    spread: Half = field(repr=False)
    momentum_scale: float
    spread_scale: float
    steps: int

    @property
    def share(self) -> float:
        """How much of the work is done, 0..1."""
        return min(1.0, self.steps / STEPS)


@dataclass(frozen=True, slots=True)
class MasterpieceQuery:
    """``photo`` is to be painted like ``style_image``; ``sketch`` is where an earlier call left off.

    ``strength`` (0..1) and ``preserve_color`` mean what they mean for styles. Raises :class:`InvalidField`.
    """

    photo: Photo
    style_image: Photo
    strength: float = 1.0
    preserve_color: bool = False
    sketch: Sketch | None = None

    def __post_init__(self) -> None:
        # NaN fails the comparison as well.
        if not 0 <= self.strength <= 1:
            raise InvalidField("The strength must lie between 0 and 1.", field="strength")
