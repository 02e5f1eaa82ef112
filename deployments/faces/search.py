"""Looking for faces until it is clear that there are none: upright, turned, and once more at another scale.

Detectors are trained on upright faces. On a photo that lies on its side or stands on its head they find little, with low
scores, or worse: eyes where the mouth is. So a photo whose best face is doubtful is looked at from all four sides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from deployments.faces.backend import Detection, Detector
from deployments.faces.types import FloatArray
from deployments.imaging import Pixels

# Two boxes of which this much of the smaller is shared are about one face, seen from two sides.
_SAME: Final = 0.3
# Quarters of a turn.
_TURNED: Final = (1, 2, 3)


class Finding(NamedTuple):
    """The faces of a picture that are upright on one of its sides, and those that are so on another one."""

    faces: list[Detection]
    beside: list[Detection]


def find_faces(detector: Detector, pictures: Sequence[Pixels], every: Collection[int] = ()) -> list[Finding]:
    """The faces of each picture, in its own pixels however the picture had to be turned to find them.

    People who lie or hang upside down beside others who stand are looked for in the pictures numbered in ``every`` only.
    """
    upright = [(index, 0) for index in range(len(pictures))]
    seen = _look(detector, pictures, [*upright, *((index, turns) for index in every for turns in _TURNED)])
    doubtful = [index for index, _ in upright if index not in every and _best(seen[index, 0]) < detector.sure]
    seen |= _look(detector, pictures, [(index, turns) for index in doubtful for turns in _TURNED])
    found = [Finding(seen[side], []) for side in upright]
    for index in (*doubtful, *every):
        faces, others = seen[index, 0], [seen[index, turns] for turns in _TURNED]
        side = max(others, key=_total)
        chosen = side if _best(faces) < detector.sure <= _best(side) else faces
        found[index] = Finding(chosen, _apart(chain(faces, *others), chosen) if index in every else [])
    blank = [index for index, (faces, _) in enumerate(found) if not faces]
    for index, faces in zip(blank, detector.look_again([pictures[index] for index in blank]), strict=True):
        found[index] = Finding(faces, _apart(found[index].beside, faces))
    return found


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
) -> dict[tuple[int, int], list[Detection]]:
    """The faces of pictures turned by quarters, ``(index, turns)``, in the pictures' own coordinates: one run for all."""
    turned = [np.ascontiguousarray(np.rot90(pictures[index], turns)) for index, turns in sides]
    answers = detector.detect(turned) if turned else []
    return {
        (index, turns): [turn_back(face, turns, pictures[index].shape[1], pictures[index].shape[0]) for face in faces]
        for (index, turns), faces in zip(sides, answers, strict=True)
    }


def _best(faces: Sequence[Detection]) -> float:
    return max((face.score for face in faces), default=0.0)


def _total(faces: Sequence[Detection]) -> float:
    return sum(face.score for face in faces)


def _apart(faces: Iterable[Detection], known: Sequence[Detection]) -> list[Detection]:
    """Those that are no face already ``known``, nor one another."""
    apart: list[Detection] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(_shared(face, other) > _SAME for other in (*known, *apart)):
            apart.append(face)
    return apart


def _shared(one: Detection, other: Detection) -> float:
    """How much of the smaller box lies in the larger one, 0..1."""
    boxes = np.array([one.box, other.box], np.float32)
    shared = np.maximum(boxes[:, 2:].min(axis=0) - boxes[:, :2].max(axis=0), 0).prod()
    return float(shared / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1).min(), 1e-6))
