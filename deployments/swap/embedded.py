"""Swapping without a generative model: the source's own pixels, bent, relit and blended into the target.

Nothing is invented, so the result shows the source's expression and glasses, and heads have to look roughly the same
way. A source that looks the other way is mirrored first: faces are nearly symmetrical, and a mirrored face is still
the same person to people and to embedders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import cv2
import numpy as np

from deployments.compositing.masks import Mask, hull
from deployments.compositing.patches import Patch, Region
from deployments.faces import landmarks, pose
from deployments.faces.alignment import scale_points, transform_points, umeyama
from deployments.faces.types import Face
from deployments.imaging import FloatArray, Pixels
from deployments.swap import exposure, grain, sharpness
from deployments.swap.backend import Job, Obstacle
from deployments.swap.complexion import Complexion
from deployments.swap.cover import Cover
from deployments.swap.relighting import Relighting
from deployments.swap.spline import ThinPlateSpline, slack
from deployments.swap.types import Reason

# Larger faces are worked on at this size: nobody sees the difference, and time and memory stay bounded.
_LARGEST: Final = 1024.0
# Light and masks are smooth, so they are computed at this size.
_FIELD_SIZE: Final = 128.0
# Around the face, in units of its size: what blurs reach into.
_MARGIN: Final = 0.3

# How much better the mirrored source has to fit before it is taken.
_MIRROR_GAIN: Final = 0.85

# Beyond these a bent face smears: found by looking at swaps of 200 pairs of press photographs.
_MOST_TURN: Final = 25.0
_MOST_STRETCH: Final = 2.1
# With five points nothing but place, size and roll can be followed.
_MOST_TURN_FIVE_POINTS: Final = 12.0
_MOST_YAW_FIVE_POINTS: Final = 20.0
# A source enlarged more than this is a blur beside a sharp neck.
_MOST_ENLARGED: Final = 4.0


@dataclass(frozen=True, slots=True)
class _Pairing:
    """A source brought to the target's side. Points are 68 each, the source's in its own, maybe mirrored, picture."""

    source: FloatArray
    target: FloatArray
    to_source: ThinPlateSpline
    back: ThinPlateSpline

    @classmethod
    def of(cls, source: FloatArray, target: FloatArray, mirror_in: int | None) -> _Pairing:
        """``mirror_in`` is the width of the source's picture where that is to be mirrored, otherwise None."""
        if mirror_in is not None:
            source = landmarks.mirrored(source, mirror_in)
        inner, outer = landmarks.with_forehead(source), landmarks.with_forehead(target)
        inner_unit, outer_unit = landmarks.face_size(source), landmarks.face_size(target)
        return cls(
            source,
            target,
            ThinPlateSpline.fit(outer, inner, slack(), outer_unit, inner_unit),
            ThinPlateSpline.fit(inner, outer, slack(), inner_unit, outer_unit),
        )

    def landed(self) -> FloatArray:
        """Where the source's 68 points come to lie in the target."""
        # Two smoothing splines are not each other's inverse; a few corrections make them so at the points.
        aim = self.back(self.source)
        found = aim
        for _ in range(3):
            found = found + aim - self.back(self.to_source(found))
        return found


class EmbeddedSwapper:
    """Smoothing thin-plate spline, light transfer over skin, feathered mask."""

    def obstacle(self, job: Job) -> Obstacle | None:
        source, target = landmarks.dense_points(job.source.face), landmarks.dense_points(job.target_face)
        enlarged = landmarks.face_size(target) / landmarks.face_size(source)
        if enlarged > _MOST_ENLARGED:
            return Obstacle(
                Reason.TOO_SMALL,
                f"The face to put in would have to be enlarged {ceil(enlarged)} times, and up to {_MOST_ENLARGED:.0f} go; use a larger one.",
            )
        mirror = fits_better_mirrored(job.source.face, job.target_face)
        yaws = [pose.levelled(face.landmarks).yaw for face in (job.source.face, job.target_face)]
        turn = abs(yaws[0] * (-1 if mirror else 1) - yaws[1])
        if job.source.face.dense is None or job.target_face.dense is None:
            if turn > _MOST_TURN_FIVE_POINTS or max(abs(yaw) for yaw in yaws) > _MOST_YAW_FIVE_POINTS:
                return Obstacle(
                    Reason.POSE, "With five landmarks only faces that look nearly straight ahead can be swapped."
                )
        elif turn > _MOST_TURN:
            return Obstacle(
                Reason.POSE,
                f"The two faces look in directions {ceil(turn)} degrees apart; up to {_MOST_TURN:.0f} can be swapped.",
            )
        pairing = _Pairing.of(source, target, job.source.photo.width if mirror else None)
        stretch = pairing.to_source.stretch(target)
        if stretch > _MOST_STRETCH:
            return Obstacle(
                Reason.POSE,
                f"The two faces are posed too differently: skin would be stretched {ceil(10 * stretch) / 10} times.",
            )
        return None

    def swap(self, jobs: Sequence[Job]) -> Iterator[Patch]:
        decoded: dict[tuple[str, int], Pixels] = {}
        return (_swap(job, decoded) for job in jobs)

    def warm_up(self) -> None:
        """Nothing is loaded, so there is nothing to warm up."""

    def close(self) -> None:
        """Nothing is held."""


def fits_better_mirrored(source: Face, target: Face) -> bool:
    """Whether the mirror image of the source looks clearly more the way that the target does."""
    if source.dense is not None and target.dense is not None:
        own, other, order = source.dense, target.dense, landmarks.MIRROR
    else:
        own, other, order = source.landmarks, target.landmarks, landmarks.MIRROR_FIVE
    mirrored = np.asarray(own[order] * (-1, 1), dtype=np.float32)
    return misfit(mirrored, other) < _MIRROR_GAIN * misfit(own, other)


def misfit(source: FloatArray, target: FloatArray) -> float:
    """How far two sets of points [N, 2] are from being the same but for place, scale and rotation.

    Root mean square distance after the best similarity, in units of the target's size: differences of pose, of
    expression and of the shape of the face.
    """
    moved = transform_points(source, umeyama(source, target))
    return float(np.sqrt(np.square(moved - target).sum(axis=1).mean())) / landmarks.face_size(target)


def _swap(job: Job, decoded: dict[tuple[str, int], Pixels]) -> Patch:
    target_points = landmarks.dense_points(job.target_face)
    unit = landmarks.face_size(target_points)
    region = Region.around(landmarks.with_forehead(target_points), _MARGIN * unit, job.target.shape)
    scale = min(1.0, _LARGEST / unit)
    source, source_points = _source(job, unit * scale, decoded)
    mirror = fits_better_mirrored(job.source.face, job.target_face)
    pairing = _Pairing.of(
        source_points, scale_points(target_points - region.origin, scale), source.shape[1] if mirror else None
    )
    if mirror:
        source = np.ascontiguousarray(source[:, ::-1])
    pixels, alpha = _blend(source, _shrunk(region.of(job.target), scale), pairing)
    return Patch.covering(region, pixels, alpha)


def _source(job: Job, unit: float, decoded: dict[tuple[str, int], Pixels]) -> tuple[Pixels, FloatArray]:
    """The source's picture and 68 points, decoded so that the face is hardly larger than ``unit``.

    Interpolation alone skips pixels when it shrinks a picture, which turns beards and brows into noise.
    """
    photo, points = job.source.photo, landmarks.dense_points(job.source.face)
    longest = max(photo.width, photo.height)
    side = min(int(np.ceil(longest * 1.1 * unit / landmarks.face_size(points))), longest)
    pixels = decoded.get((photo.digest, side))
    if pixels is None:
        pixels = decoded[photo.digest, side] = photo.pixels(side)
    return pixels, scale_points(points, pixels.shape[1] / photo.width)


def _blend(source: Pixels, target: Pixels, pairing: _Pairing) -> tuple[FloatArray, Mask]:
    """The new face in the coordinates of ``target``, and, smaller, its alpha."""
    height, width = target.shape[:2]
    source_map = pairing.to_source.dense_map(width, height)
    bent = cv2.remap(source, source_map, np.empty(0, np.float32), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    warped = np.asarray(bent, dtype=np.uint8)

    # Masks and light are smooth, so they are made small.
    unit = landmarks.face_size(pairing.target)
    scale = min(1.0, _FIELD_SIZE / unit)
    points, landed = scale_points(pairing.target, scale), scale_points(pairing.landed(), scale)
    small_target = _shrunk(target, scale)
    face = hull(small_target.shape[:2], landmarks.with_forehead(points))
    known = _inside(_resized(source_map, scale), source.shape)
    both = face * known * hull(face.shape, landmarks.with_forehead(landed))
    of_target = Complexion.of(small_target, points, both, unit * scale)
    as_taken = Complexion.of(_shrunk(warped, scale), landed, both, unit * scale)
    warped = exposure.match(warped, float(as_taken.median[0]), float(of_target.median[0]))
    warped = sharpness.match(warped, target, hull((height, width), pairing.target[17:]))
    of_source = Complexion.of(_shrunk(warped, scale), landed, both, unit * scale)
    cover = Cover.between(of_source.skin, landed, of_target.skin, points, both, unit * scale)
    relighting = Relighting.between(of_source, of_target, cover.keep, face, unit * scale)
    relit = relighting.apply(warped)
    return grain.match(relit, target, hull((height, width), pairing.target)), cover.alpha


def _inside(source_map: FloatArray, shape: tuple[int, ...]) -> Mask:
    """Where ``source_map`` points into a source of ``shape``."""
    x, y = source_map[..., 0], source_map[..., 1]
    return np.asarray((x >= 0) & (y >= 0) & (x <= shape[1] - 1) & (y <= shape[0] - 1), dtype=np.float32)


def _shrunk(pixels: Pixels, scale: float) -> Pixels:
    return pixels if scale == 1 else np.asarray(_resized(pixels, scale), dtype=np.uint8)


def _resized(values: Pixels | FloatArray, scale: float) -> FloatArray:
    size = (max(round(values.shape[1] * scale), 1), max(round(values.shape[0] * scale), 1))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))
