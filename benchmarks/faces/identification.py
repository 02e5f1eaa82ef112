"""Who is it? People of LFW with at least four pictures: two of each are in a gallery, all others are asked.

Nothing is curated and nobody is left out: a picture in which the engine finds no central face is a wrong answer, and so
is every picture of a person of whom none could go into the gallery.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.faces import engines, lfw
from benchmarks.faces.command import main
from benchmarks.faces.engines import Contender
from benchmarks.figures import Figure
from deployments.faces.engine import FaceEngine, build
from deployments.imaging import FloatArray
from deployments.lookalike.index import VectorIndex
from deployments.runtime import Runtime
from training.gallery.collection import Collection
from training.gallery.indexing import build_index

_LEAST_PICTURES: Final = 4
_IN_GALLERY: Final = 2


Picture = tuple[int, FloatArray | None]
"""Whose it is, as a place among the people, and the embedding of its face, if one was found."""


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
    usable = [(owner, embedding) for owner, embedding in gallery if embedding is not None]
    owners = np.array([owner for owner, _ in usable], dtype=np.int32)
    collection = Collection(np.stack([vector for _, vector in usable]), np.zeros((len(usable), 0), np.float32), owners)
    index = VectorIndex(build_index(collection.templates(len(people))).index, Runtime())
    ranks = np.array([_rank(index, picture) for picture in asked])
    title = f"{contender.title}: {len(people)} people, {len(asked)} pictures asked"
    return [
        Figure(f"{title}: rank-1", 100 * float(np.mean(ranks == 0)), contender.bar, "%"),
        Figure(f"{title}: rank-5", 100 * float(np.mean(ranks < 5)), unit="%"),
    ]


def _seen(engine: FaceEngine, people: list[list[Path]]) -> Iterator[Picture]:
    owners = (owner for owner, paths in enumerate(people) for _ in paths)
    return zip(owners, lfw.embeddings(engine, [path for paths in people for path in paths]), strict=True)


def _rank(index: VectorIndex, picture: Picture) -> int:
    """At which place, from 0, the right person stands; past the end when there is no face to ask with."""
    owner, embedding = picture
    if embedding is None:
        return index.size
    _, rows = index.search(embedding[None], index.size)
    return int(np.flatnonzero(rows[0] == owner)[0])


if __name__ == "__main__":
    main("Identification", run)
