"""What a face backend consists of: one model for each question, behind interfaces the engine can combine freely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from deployments.faces.types import Box
from deployments.imaging import FloatArray, Pixels


@dataclass(frozen=True, slots=True)
class Detection:
    """A face as a detector reports it, in pixels of the picture it was given.

    ``box`` may reach beyond the picture; ``score`` lies in 0..1; ``landmarks`` are the five
    points [5, 2] of :class:`deployments.faces.types.Face`; ``dense`` are 68 iBUG points [68, 2] where the detector
    comes with them. The sides of a box lie between pixels (the first pixel reaches from 0 to 1), whole numbers of a
    point are the centres of pixels.

    Raises ``ValueError`` for values that are no numbers: such a face could neither be swapped nor, worse, be hidden.
    """

    box: Box
    score: float
    landmarks: FloatArray
    dense: FloatArray | None = None

    def __post_init__(self) -> None:
        require_numbers(
            "face detector", (*self.box, self.score), self.landmarks, () if self.dense is None else self.dense
        )


def require_numbers(model: str, *values: FloatArray | Sequence[float] | float) -> None:
    """Raise ``ValueError``, which names the ``model`` that gave them, unless all values are finite."""
    if not all(np.isfinite(value).all() for value in values):
        raise ValueError(f"the {model} gives values that are no numbers")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face in the picture it was seen in: all that embedders, landmark and age models need.

    ``aligned`` is its 112 px ArcFace crop.
    """

    pixels: Pixels = field(repr=False)
    detection: Detection
    aligned: Pixels = field(repr=False)


class Detector(Protocol):
    """Finds every face with its five points.

    Pictures larger than ``max_side`` tell it nothing more. A face that scores ``sure`` or better is hardly ever one
    that is upside down or on its side.
    """

    max_side: int
    sure: float

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture, in no particular order."""
        ...

    def look_again(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The same seen smaller, for pictures in which nothing was found, or parts of faces that fill the frame."""
        ...


class Embedder(Protocol):
    """Turns faces into vectors of the space named ``space``."""

    space: str

    def embed(self, faces: Sequence[Sighting]) -> FloatArray:
        """Vectors [N, D] of length 1, in the order of ``faces`` (at least one)."""
        ...


class LandmarkModel(Protocol):
    """Finds the 68 iBUG points of faces."""

    def locate(self, faces: Sequence[Sighting]) -> list[FloatArray]:
        """Points [68, 2] of each face, in pixels of its picture."""
        ...


class AgeModel(Protocol):
    """Estimates how old people look."""

    def estimate(self, faces: Sequence[Sighting]) -> list[float]:
        """Ages in years."""
        ...


@dataclass(frozen=True, slots=True)
class Backend:
    """The models of one model version. A detector is all that must be there."""

    detector: Detector
    embedder: Embedder | None = None
    landmarks: LandmarkModel | None = None
    ages: AgeModel | None = None
