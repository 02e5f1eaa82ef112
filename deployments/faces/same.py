"""Whether what was seen twice is one face."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from deployments.faces.backend import Detection
from deployments.faces.boxes import area, shared

# Two boxes of which this much of the smaller is shared are about one face, seen from two sides.
_SAME: Final = 0.3
# From this on, of both of two boxes, both show the face as a whole.
_WHOLE: Final = 0.6
# A face of which this much lies within a larger one may be a part of it.
_WITHIN: Final = 0.8


def by_score(faces: Iterable[Detection]) -> list[Detection]:
    """The surest first."""
    return sorted(faces, key=lambda face: -face.score)


def apart(faces: Iterable[Detection], known: Sequence[Detection]) -> list[Detection]:
    """Those that are no face already ``known``, nor one that came before."""
    found: list[Detection] = []
    for face in faces:
        if not among(face, known) and not among(face, found):
            found.append(face)
    return found


def among(face: Detection, others: Iterable[Detection]) -> bool:
    """Whether the face is one of the others, or part of it."""
    return any(shared(face.box, other.box) > _SAME * min(area(face.box), area(other.box)) for other in others)


def wholly(one: Detection, other: Detection) -> bool:
    """Whether both are the same face, and neither just a part of it."""
    return shared(one.box, other.box) > _WHOLE * max(area(one.box), area(other.box))


def part(one: Detection, other: Detection) -> bool:
    """Whether one is just a part of the other."""
    return shared(one.box, other.box) > _WITHIN * area(one.box) and not wholly(one, other)
