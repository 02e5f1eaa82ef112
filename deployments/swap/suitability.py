"""Whether two faces can be swapped at all, judged before any pixel is touched."""

from __future__ import annotations

from math import ceil, floor
from typing import Final

import cv2
import numpy as np

from deployments.faces import pose
from deployments.faces.boxes import overlap, shorter_side
from deployments.faces.landmarks import dense_points
from deployments.faces.types import Face
from deployments.swap.backend import Job, Obstacle
from deployments.swap.types import Reason

# Under this the shorter side of a face's box holds too few pixels to show or hide a person.
LEAST_SIZE: Final = 24.0
# Of a profile half the face cannot be seen, and landmarks on that half are guesses.
MOST_YAW: Final = 45.0
# The part of a face that has to be inside its picture.
_LEAST_VISIBLE: Final = 0.9


def common_obstacle(job: Job) -> Obstacle | None:
    """What stands in the way of any backend: tiny, cut-off or averted faces."""
    photo = job.source.photo
    return obstacle_of(job.source.face, (photo.height, photo.width), "The face to put in") or obstacle_of(
        job.target_face, job.target.shape[:2], "The face to be replaced"
    )


def obstacle_of(face: Face, shape: tuple[int, ...], name: str) -> Obstacle | None:
    """What is wrong with one face of a picture of ``shape`` (height, width), whatever it is swapped with."""
    size = shorter_side(face.box)
    if size < LEAST_SIZE:
        return Obstacle(
            Reason.TOO_SMALL, f"{name} is {floor(size)} pixels large; at least {LEAST_SIZE:.0f} are needed."
        )
    if visible(face, shape) < _LEAST_VISIBLE:
        return Obstacle(Reason.CUT_OFF, f"{name} is cut off by the border of its picture.")
    yaw = abs(pose.levelled(face.landmarks).yaw)
    if yaw > MOST_YAW:
        return Obstacle(
            Reason.PROFILE, f"{name} is turned {ceil(yaw)} degrees to the side; up to {MOST_YAW:.0f} can be swapped."
        )
    return None


def same_face(source: Face, target: Face) -> bool:
    """Whether two faces of one picture are the same one: their boxes cover each other almost entirely."""
    return overlap(source.box, target.box) > 0.9


def visible(face: Face, shape: tuple[int, ...]) -> float:
    """The share of a face, as the hull of its landmarks, that lies inside a picture of ``shape``."""
    outline = cv2.convexHull(np.ascontiguousarray(dense_points(face), dtype=np.float32))
    whole = float(cv2.contourArea(outline))
    if whole <= 0:
        return 0.0
    height, width = shape[:2]
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    inside, _ = cv2.intersectConvexConvex(outline, frame)
    return float(inside) / whole
