"""Labeled Faces in the Wild: Huang et al., 2007; deep-funneled pictures, development test pairs of View 1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deployments.faces.engine import FaceEngine
from deployments.faces.types import Face, FaceQuery
from deployments.imaging import FloatArray, Photo


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures by their paths, and whether they show the same person."""

    first: Path
    second: Path
    same: bool


def pairs(data: Path) -> list[Pair]:
    """The pairs of ``pairsDevTest.txt``, those of one person first."""
    root = data / "faces_lfw"
    rows = (root / "pairsDevTest.txt").read_text(encoding="utf-8").splitlines()[1:]
    return [_pair(root, row.split()) for row in rows if row.strip()]


def pictures(data: Path) -> list[Path]:
    """Every picture of ``faces_lfw``, sorted."""
    return sorted((data / "faces_lfw").glob("*/*.jpg"))


def central(faces: tuple[Face, ...], photo: Photo) -> Face | None:
    """The face a picture of LFW is about: of those whose box holds the picture's centre, the one nearest to it."""
    x, y = photo.width / 2, photo.height / 2
    holding = [face for face in faces if face.box[0] <= x <= face.box[2] and face.box[1] <= y <= face.box[3]]
    return min(holding, key=lambda face: _distance(face, x, y), default=None)


def batches(paths: list[Path], size: int = 16) -> Iterator[list[Photo]]:
    """The pictures behind ``paths``, a few at a time."""
    for start in range(0, len(paths), size):
        yield [Photo.open(path.read_bytes()) for path in paths[start : start + size]]


def embeddings(engine: FaceEngine, paths: list[Path]) -> Iterator[FloatArray | None]:
    """The embedding of each picture's central face, in order; None where the engine finds none."""
    for photos in batches(paths):
        for photo, found in zip(photos, engine.run([FaceQuery(photo) for photo in photos]), strict=True):
            face = central(found.faces, photo)
            yield None if face is None else face.embedding


def _pair(root: Path, fields: list[str]) -> Pair:
    if len(fields) == 3:
        person, first, second = fields
        return Pair(_picture(root, person, first), _picture(root, person, second), same=True)
    one, first, other, second = fields
    return Pair(_picture(root, one, first), _picture(root, other, second), same=False)


def _picture(root: Path, person: str, number: str) -> Path:
    return root / person / f"{person}_{int(number):04d}.jpg"


def _distance(face: Face, x: float, y: float) -> float:
    x0, y0, x1, y1 = face.box
    return abs((x0 + x1) / 2 - x) + abs((y0 + y1) / 2 - y)
