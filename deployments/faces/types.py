"""What a face is to the rest of the product: the same few facts, whichever backend found it.

Coordinates are pixels of the photo as a person sees it (orientation applied), x to the right and y down. The sides of a
box lie between pixels (the first pixel reaches from 0 to 1), whole numbers of a point are the centres of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployments.imaging import FloatArray, Photo

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a head points, in degrees; all zero when it looks straight into the camera.

    ``yaw`` > 0: the person looks to the image's right. ``pitch`` > 0: looks up. ``roll`` > 0: the head is turned
    clockwise in the picture; +-180 is upside down.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How usable a face is.

    ``size`` is the shorter side of its box in pixels, ``blur`` runs from 0 (sharp) to 1 (blurred), measured by the
    variance of the Laplacian of the aligned crop, ``score`` from 0 to 1 is the overall usability: size, sharpness,
    frontality and the detector's confidence together.
    """

    size: float
    blur: float
    score: float


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a photo.

    ``box`` is clipped to the picture. ``score`` is the detector's confidence in 0..1.
    ``landmarks`` [5, 2] are left eye, right eye, nose, left mouth corner, right mouth corner, where "left" is the
    side of the face that lies to the left when the head is upright (InsightFace's order). ``dense`` [68, 2] follows
    the iBUG 300-W order, where the backend has it and the query asked. ``embedding`` [D] is L2-normalised.
    ``age`` is in years.
    """

    box: Box
    score: float
    landmarks: FloatArray
    dense: FloatArray | None
    pose: Pose
    quality: Quality
    embedding: FloatArray | None
    age: float | None


@dataclass(frozen=True, slots=True)
class FaceQuery:
    """One photo to look at. ``embed`` asks for embeddings, ``dense`` for 68 points where the backend has them.

    ``every`` asks for faces that lie on their side or stand on their head beside upright ones, too, and for such as are
    small in a large photo, which takes five times as long, and ten times for a large one.
    """

    photo: Photo
    embed: bool = True
    dense: bool = False
    every: bool = False


@dataclass(frozen=True, slots=True)
class FaceSet:
    """The faces of one photo, left to right (by the box's centre x, then y); empty when there is none.

    Those that only a query for ``every`` face finds come after the others, so that these keep their numbers.
    ``space`` names the embedding space the embeddings live in; None when the query did not ask for them.
    """

    faces: tuple[Face, ...]
    space: str | None
