"""Where a head points, in closed form from five points.

The points are explained as a scaled orthographic view of a rigid face: the least-squares affine camera, made
orthonormal (the "pose from orthography and scaling" step of DeMenthon and Davis, IJCV 1995). Good to some ten degrees,
which is what five points of an unknown person can tell, and the same for every backend.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from deployments.faces.alignment import arcface_transform, transform_points
from deployments.faces.types import Pose
from deployments.imaging import FloatArray

# Millimetres; x to the image's right, y down, z away from the camera. Pupils 63 mm apart by definition; the rest was
# fitted, with the poses, to the SCRFD points of 3,258 press photographs, whose average view counts as straight ahead.
_MODEL: Final = np.array(
    [[-31.5, 0.0, 0.0], [31.5, 0.0, 0.0], [0.0, 36.7, -29.5], [-26.8, 67.0, 8.8], [26.8, 67.0, 8.8]]
)
_SOLVER: Final = np.linalg.pinv(np.hstack([_MODEL, np.ones((5, 1))]))


def camera(landmarks: FloatArray) -> FloatArray:
    """The affine camera [2, 4] that takes millimetres of the rigid face (x, y, z, 1) to where five points [5, 2] lie."""
    return np.asarray((_SOLVER @ landmarks).T, np.float64)


def estimate(landmarks: FloatArray) -> Pose:
    """The pose of a face from its five points [5, 2]: degrees, signs as in :class:`Pose`."""
    left, _, right = np.linalg.svd(camera(landmarks)[:, :3], full_matrices=False)
    across, down = left @ right
    away = np.cross(across, down)
    # The rotation is roll (in the picture), after yaw (about the neck), after pitch (a nod).
    return Pose(
        yaw=float(np.degrees(np.arcsin(np.clip(away[0], -1, 1)))),
        pitch=float(np.degrees(np.arctan2(-away[1], away[2]))),
        roll=float(np.degrees(np.arctan2(down[0], across[0]))),
    )


def levelled(landmarks: FloatArray) -> Pose:
    """The pose of a face after its picture was turned until its eyes are level: yaw is then the same upside down."""
    return estimate(transform_points(landmarks, arcface_transform(landmarks)))
