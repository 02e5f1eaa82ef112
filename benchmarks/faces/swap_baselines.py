"""Pairs of strangers, and the simple ways of swapping their faces that the embedded backend is compared with."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from benchmarks.faces import engines, lfw
from deployments.compositing.masks import hull
from deployments.faces import alignment, landmarks
from deployments.faces.engine import FaceEngine, build
from deployments.faces.types import Face, FaceQuery
from deployments.imaging import Photo, Pixels
from deployments.runtime import Runtime
from deployments.swap.spline import ThinPlateSpline
from deployments.swap.types import SourceFace, SwapQuery

SEED: Final = 7


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of different people; ``source`` gives its face to ``target``."""

    source: SourceFace
    target: Photo
    target_face: Face

    def query(self) -> SwapQuery:
        return SwapQuery(self.target, (self.target_face,), (self.source,), ((0, 0),))


def strangers(data: Path, count: int) -> list[Pair]:
    """Pairs of LFW pictures of different people, always the same, in which the embedded default finds the face."""
    people = sorted(path for path in (data / "faces_lfw").iterdir() if path.is_dir())
    engine = build(engines.dlib_faces(), Runtime())
    chance = random.Random(SEED)
    pairs: list[Pair] = []
    while len(pairs) < count:
        source, target = (_look(engine, chance.choice(sorted(one.glob("*.jpg")))) for one in chance.sample(people, 2))
        if source is not None and target is not None:
            pairs.append(Pair(SourceFace(*source), *target))
    return pairs


def naive(pair: Pair) -> Pixels:
    """The source's face cut out along its landmarks, moved over the target's by a similarity, and left there."""
    source, target = pair.source.photo.pixels(), pair.target.pixels()
    points, onto = (landmarks.dense_points(face) for face in (pair.source.face, pair.target_face))
    matrix = alignment.umeyama(points, onto)
    moved = cv2.warpAffine(source, matrix, (target.shape[1], target.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    mask = hull(target.shape[:2], alignment.transform_points(points, matrix))[..., None]
    return np.asarray(target + mask * (moved.astype(np.float32) - target), dtype=np.uint8)


def poisson(pair: Pair) -> Pixels:
    """The usual recipe: every landmark warped onto its counterpart, Lab statistics, ``cv2.seamlessClone``."""
    source, target = pair.source.photo.pixels(), pair.target.pixels()
    inner, outer = (
        landmarks.with_forehead(landmarks.dense_points(face)) for face in (pair.source.face, pair.target_face)
    )
    to_source = ThinPlateSpline.fit(
        outer, inner, np.full(len(outer), 1e-3), landmarks.face_size(outer), landmarks.face_size(inner)
    )
    x, y = cv2.split(to_source.dense_map(target.shape[1], target.shape[0]))
    bent = cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mask = (hull(target.shape[:2], outer) > 0.5).astype(np.uint8)
    given, wanted = (cv2.cvtColor(np.asarray(side), cv2.COLOR_RGB2LAB).astype(np.float32) for side in (bent, target))
    inside, there = given[mask > 0], wanted[mask > 0]
    gain = np.clip(there.std(axis=0) / np.maximum(inside.std(axis=0), 1), 0.5, 1.5)
    matched = np.clip((given - inside.mean(axis=0)) * gain + there.mean(axis=0), 0, 255).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    centre = (left + width // 2, top + height // 2)
    recoloured = cv2.cvtColor(matched, cv2.COLOR_LAB2RGB)
    return np.asarray(cv2.seamlessClone(recoloured, target, mask * 255, centre, cv2.NORMAL_CLONE), dtype=np.uint8)


def _look(engine: FaceEngine, path: Path) -> tuple[Photo, Face] | None:
    photo = Photo.open(path.read_bytes())
    (found,) = engine.run([FaceQuery(photo, embed=False, dense=True)])
    face = lfw.central(found.faces, photo)
    return None if face is None else (photo, face)
