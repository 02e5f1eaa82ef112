"""What is asked of a gallery and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.errors import Unavailable
from deployments.imaging import FloatArray


class SpaceMismatch(Unavailable):
    """A vector of one embedding space was to be looked up in a gallery of another: face model and gallery do not fit."""


class EmptyGallery(Unavailable):
    """The gallery has nobody in it to be compared with."""


@dataclass(frozen=True, slots=True)
class LookalikeQuery:
    """A face to find the doubles of.

    ``embedding`` [D] has a direction (its length does not matter), ``space`` names the embedding space it lives in, and
    ``top`` is how many people are wanted, at least 1.
    """

    embedding: FloatArray
    space: str
    top: int = 3


@dataclass(frozen=True, slots=True)
class Match:
    """One person of the gallery, as alike as the numbers say.

    ``similarity`` is in per cent, strictly between 0 and 100; :data:`deployments.lookalike.calibration.METHOD` says what
    it means. ``cosine`` is the plain similarity of the vectors in -1..1. ``picture`` names the portrait for
    :meth:`LookalikeEngine.portrait`. ``link`` and ``attribution`` are None where nothing is known.
    """

    name: str
    alias: str | None
    role: str | None
    link: str | None
    similarity: float
    cosine: float
    picture: str
    attribution: str | None
