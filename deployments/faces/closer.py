"""Looking for small faces in large photos, piece by piece (Akyon et al., "Slicing Aided Hyper Inference", ICIP 2022).

A detector sees no more of a large picture at once than of a small one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import ceil
from typing import Final

import numpy as np

from deployments.faces.alignment import upright
from deployments.faces.backend import Detection, Detector
from deployments.faces.boxes import rescale, shift
from deployments.faces.same import apart, by_score, wholly
from deployments.faces.search import Finding
from deployments.imaging import Pixels

# Of a piece's side, what it shares with the next one: a small face lies in one of them as a whole.
_SHARED: Final = 0.15


def look_closer(detector: Detector, found: Finding, picture: Pixels, closer: Pixels) -> Finding:
    """The same faces of ``picture`` and, beside them, those that only show in ``closer``, a larger version of it.

    Upright faces seen there as a whole have their points from there.
    """
    (height, width), (closer_height, closer_width) = picture.shape[:2], closer.shape[:2]
    side = detector.max_side
    places = [(x, y) for y in _pieces(closer_height, side) for x in _pieces(closer_width, side)]
    seen = detector.detect([np.ascontiguousarray(closer[y : y + side, x : x + side]) for x, y in places])
    moved = (shift(face, x, y) for (x, y), faces in zip(places, seen, strict=True) for face in faces)
    faces = by_score(rescale(face, width / closer_width, height / closer_height) for face in moved)
    known, beside = ([_sharper(face, faces) for face in group] for group in found)
    return Finding(known, [*beside, *apart(faces, [*known, *beside])])


def _pieces(length: int, side: int) -> list[int]:
    """Where pieces of ``side`` begin that cover ``length`` evenly."""
    count = max(ceil((length - side) / (side * (1 - _SHARED))), 0) + 1
    return [round(start) for start in np.linspace(0, max(length - side, 0), count).tolist()]


def _sharper(face: Detection, seen: Iterable[Detection]) -> Detection:
    """The face with the points of the first that is the same; both upright, for otherwise points are rough."""
    for other in seen:
        if wholly(face, other) and upright(face.landmarks) and upright(other.landmarks):
            return replace(face, landmarks=other.landmarks, dense=other.dense)
    return face
