"""Who is it? People of LFW with at least four pictures: two of each are in a gallery, all others are asked.

Nothing is curated and nobody is left out: a picture in which the engine finds no central face is a wrong answer, and so
is every picture of a person of whom none could go into the gallery.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.faces import engines, lfw
from benchmarks.faces.command import main
from benchmarks.figures import Figure
from deployments.faces.engine import FaceEngine, build
from deployments.faces.types import FaceQuery
from deployments.imaging import FloatArray
from deployments.lookalike.index import VectorIndex
from deployments.runtime import Runtime
from registry.manifest import ModelVersion
from training.gallery.collection import Collection
from training.gallery.indexing import build_index

_LEAST_PICTURES: Final = 4
_IN_GALLERY: Final = 2


@dataclass(frozen=True, slots=True)
class Contender:
    """A model version with the share of first answers that have to be right, in per cent."""

    title: str
    version: ModelVersion
    rank_1: float


@dataclass(frozen=True, slots=True)
class _Picture:
    owner: int
    embedding: FloatArray | None


def run(data: Path) -> list[Figure]:
    """Rank-1 and rank-5 of the insightface backend and of the embedded default."""
    contenders = [
        Contender("SCRFD + MobileFaceNet", engines.scrfd_mobilefacenet(data), 98.0),
        Contender("dlib", engines.dlib_faces(), 95.0),
    ]
    people = _people(data)
    return [figure for contender in contenders for figure in _judge(contender, people)]


def _people(data: Path) -> list[list[Path]]:
    """The pictures of everybody who has enough of them, in order."""
    people: dict[str, list[Path]] = {}
    for path in lfw.pictures(data):
        people.setdefault(path.parent.name, []).append(path)
    return [paths for paths in people.values() if len(paths) >= _LEAST_PICTURES]


def _judge(contender: Contender, people: list[list[Path]]) -> list[Figure]:
    engine = build(contender.version, Runtime(threads=1))
    engine.warm_up()
    gallery = list(_seen(engine, [paths[:_IN_GALLERY] for paths in people]))
    asked = list(_seen(engine, [paths[_IN_GALLERY:] for paths in people]))
    engine.close()
    usable = [(picture.owner, picture.embedding) for picture in gallery if picture.embedding is not None]
    owners = np.array([owner for owner, _ in usable], dtype=np.int32)
    collection = Collection(np.stack([vector for _, vector in usable]), np.zeros((len(usable), 0), np.float32), owners)
    index = VectorIndex(build_index(collection.templates(len(people))).index, Runtime())
    ranks = np.array([_rank(index, picture) for picture in asked])
    title = f"{contender.title}: {len(people)} people, {len(asked)} pictures asked"
    return [
        Figure(f"{title}: rank-1", 100 * float(np.mean(ranks == 0)), contender.rank_1, "%"),
        Figure(f"{title}: rank-5", 100 * float(np.mean(ranks < 5)), unit="%"),
    ]


def _seen(engine: FaceEngine, people: list[list[Path]]) -> Iterator[_Picture]:
    owners = (owner for owner, paths in enumerate(people) for _ in paths)
    for photos in lfw.batches([path for paths in people for path in paths]):
        for photo, found in zip(photos, engine.run([FaceQuery(photo) for photo in photos]), strict=True):
            face = lfw.central(found.faces, photo)
            yield _Picture(next(owners), None if face is None else face.embedding)


def _rank(index: VectorIndex, picture: _Picture) -> int:
    """At which place, from 0, the right person stands; past the end when there is no face to ask with."""
    if picture.embedding is None:
        return index.size
    _, rows = index.search(picture.embedding[None], index.size)
    return int(np.flatnonzero(rows[0] == picture.owner)[0])


if __name__ == "__main__":
    main("Identification", run)
