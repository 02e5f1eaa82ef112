"""Looking for faces until it is clear that there are none: upright, turned, and once more at another scale.

Detectors are trained on upright faces. On a photo that lies on its side or stands on its head they find little, with low
scores, or worse: eyes where the mouth is. So a photo whose best face is doubtful is looked at from all four sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deployments.faces.backend import Detection, Detector
from deployments.faces.types import FloatArray
from deployments.imaging import Pixels


def find_faces(detector: Detector, pictures: Sequence[Pixels]) -> list[list[Detection]]:
    """The faces of each picture, in its own pixels however the picture had to be turned to find them."""
    found = detector.detect(pictures)
    doubtful = [index for index, faces in enumerate(found) if _best(faces) < detector.sure]
    sides = [_turned(detector, [pictures[index] for index in doubtful], turns) for turns in (1, 2, 3)]
    for index, *turned in zip(doubtful, *sides, strict=True):
        side = max(turned, key=_total)
        if _best(side) >= detector.sure:
            found[index] = side
    blank = [index for index, faces in enumerate(found) if not faces]
    for index, faces in zip(blank, detector.look_again([pictures[index] for index in blank]), strict=True):
        found[index] = faces
    return found


def turn_back(detection: Detection, turns: int, width: int, height: int) -> Detection:
    """A face of ``np.rot90(picture, turns)`` in the coordinates of the picture, ``width`` x ``height`` px."""
    quarter = turns % 4
    # Where the turned picture's axes and origin lie in the picture.
    axes = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]][quarter], np.float32)
    origin = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)][quarter], np.float32)

    def place(points: FloatArray) -> FloatArray:
        return points @ axes.T + origin

    corners = place(np.array(detection.box, dtype=np.float32).reshape(2, 2))
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Detection(
        box=(x0, y0, x1, y1),
        score=detection.score,
        landmarks=place(detection.landmarks),
        dense=None if detection.dense is None else place(detection.dense),
    )


def _turned(detector: Detector, pictures: Sequence[Pixels], turns: int) -> list[list[Detection]]:
    answers = detector.detect([np.ascontiguousarray(np.rot90(picture, turns)) for picture in pictures])
    return [
        [turn_back(face, turns, picture.shape[1], picture.shape[0]) for face in faces]
        for picture, faces in zip(pictures, answers, strict=True)
    ]


def _best(faces: Sequence[Detection]) -> float:
    return max((face.score for face in faces), default=0.0)


def _total(faces: Sequence[Detection]) -> float:
    return sum(face.score for face in faces)
