"""Looking for faces until it is clear that there are none: upright, turned, and once more at another scale.

Detectors are trained on upright faces. On a photo that lies on its side or stands on its head they find little, with low
scores, or worse: eyes where the mouth is. So a photo in which no face is surely upright is looked at from all four sides.
Of a face that fills the frame, larger than any in training, they may see a half and take it for a face.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from deployments.faces.alignment import upright
from deployments.faces.backend import Detection, Detector
from deployments.faces.boxes import shorter_side
from deployments.faces.same import among, apart, by_score, part, wholly
from deployments.imaging import FloatArray, Pixels

# Quarters of a turn.
_TURNED: Final = (1, 2, 3)
# Of a picture's shorter side. What is larger may be half a face that fills the frame: of 134 halves that CenterFace found in
# close-ups 133 are; of 300 LFW pictures 12 hold a face as large.
_LARGE: Final = 0.45


class Finding(NamedTuple):
    """The faces of a picture, and beside them those that only a search for every face finds."""

    faces: list[Detection]
    beside: list[Detection]


class _Side(NamedTuple):
    """The faces seen with a picture turned, in its own coordinates: those that stand upright so, and the others."""

    standing: list[Detection]
    hanging: list[Detection]

    @property
    def best(self) -> float:
        return max((face.score for face in self.standing), default=0.0)

    @property
    def total(self) -> float:
        return sum(face.score for face in chain(self.standing, self.hanging))


def find_faces(detector: Detector, pictures: Sequence[Pixels], every: Collection[int] = ()) -> list[Finding]:
    """The faces of each picture, in its own pixels however the picture had to be turned to find them.

    A face that hangs is taken from the side on which it stands, where it is seen there: its points are better. A large one
    that a second look shows to be half of another gives way to that. Such as are seen on other sides only, or by a second
    look beside others, are looked for in the pictures numbered in ``every`` only.
    """
    as_sent = [(index, 0) for index in range(len(pictures))]
    seen = _look(detector, pictures, [*as_sent, *((index, turns) for index in every for turns in _TURNED)])
    doubtful = [index for index, _ in as_sent if index not in every and _doubtful(seen[index, 0], detector.sure)]
    seen |= _look(detector, pictures, [(index, turns) for index in doubtful for turns in _TURNED])
    found = [Finding(seen[side].standing, []) for side in as_sent]
    for index in (*doubtful, *every):
        found[index] = _settled([seen[index, turns] for turns in (0, *_TURNED)], detector.sure)
    again = [
        index
        for index, (faces, _) in enumerate(found)
        if index in every or not faces or any(_large(face, pictures[index]) for face in faces)
    ]
    for index, more in zip(again, detector.look_again([pictures[index] for index in again]), strict=True):
        faces = _whole(found[index].faces, more, pictures[index]) or more
        found[index] = Finding(faces, apart([*found[index].beside, *by_score(more)], faces))
    return [finding if index in every else Finding(finding.faces, []) for index, finding in enumerate(found)]


def turn_back(detection: Detection, turns: int, width: int, height: int) -> Detection:
    """A face of ``np.rot90(picture, turns)`` in the coordinates of the picture, ``width`` x ``height`` px."""
    quarter = turns % 4
    if quarter == 0:
        return detection
    # Where the turned picture's axes and corner lie in the picture.
    axes = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]][quarter], np.float32)
    corner = np.array([(0, 0), (width, 0), (width, height), (0, height)][quarter], np.float32)

    def place(points: FloatArray) -> FloatArray:
        return np.asarray((points + 0.5) @ axes.T + corner - 0.5, np.float32)

    corners = np.array(detection.box, dtype=np.float32).reshape(2, 2) @ axes.T + corner
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Detection(
        box=(x0, y0, x1, y1),
        score=detection.score,
        landmarks=place(detection.landmarks),
        dense=None if detection.dense is None else place(detection.dense),
    )


def _look(
    detector: Detector, pictures: Sequence[Pixels], sides: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], _Side]:
    """The sides ``(index, turns)`` of pictures turned by quarters: one run for all."""
    turned = [np.ascontiguousarray(np.rot90(pictures[index], turns)) for index, turns in sides]
    answers = detector.detect(turned) if turned else []
    seen: dict[tuple[int, int], _Side] = {}
    for (index, turns), faces in zip(sides, answers, strict=True):
        height, width = pictures[index].shape[:2]
        side = seen[index, turns] = _Side([], [])
        for face in faces:
            (side.standing if upright(face.landmarks) else side.hanging).append(turn_back(face, turns, width, height))
    return seen


def _doubtful(side: _Side, sure: float) -> bool:
    """Whether another side may show more: nobody stands for sure, or somebody hangs."""
    return side.best < sure or bool(side.hanging)


def _settled(sides: Sequence[_Side], sure: float) -> Finding:
    """What the four sides of a picture come to, the first as it is, unless somebody surely stands on another one only."""
    first, *others = sides
    other = max(others, key=lambda side: (side.best >= sure, side.total))
    chosen = other if first.best < sure <= other.best else first
    standing = by_score(chain.from_iterable(side.standing for side in sides))
    hanging = by_score(chain.from_iterable(side.hanging for side in sides))
    retaken = apart([face for face in standing if among(face, chosen.hanging)], chosen.standing)
    faces = [*chosen.standing, *retaken, *(face for face in chosen.hanging if not among(face, retaken))]
    return Finding(faces, apart([*standing, *hanging], faces))


def _whole(faces: Sequence[Detection], more: Sequence[Detection], picture: Pixels) -> list[Detection]:
    """The faces; in place of large ones that are parts of one that a second look shows, that one."""
    large = [face for face in faces if _large(face, picture)]
    kept = [face for face in faces if not (_large(face, picture) and any(part(face, other) for other in more))]
    whole = [other for other in more if any(part(face, other) for face in large)]
    return [*kept, *(other for other in whole if not any(wholly(other, face) for face in kept))]


def _large(face: Detection, picture: Pixels) -> bool:
    side: int = min(picture.shape[:2])
    return shorter_side(face.box) > _LARGE * side
