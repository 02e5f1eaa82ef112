"""A face looked up among 100,000 people: what the search adds to the embedding, and the same search by other libraries.

The people are made up: unit vectors in the space of the installed face model, in 200 groups of faces that are alike.
Every contender searches on one thread with the least effort that finds 99 % of the true ten nearest (recall@10).
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np

from benchmarks.faces.search import in_groups
from benchmarks.figures import Figure
from benchmarks.speed.pictures import photograph
from benchmarks.speed.rounds import alternate
from deployments.faces.engine import build as build_faces
from deployments.faces.types import FaceQuery
from deployments.imaging import FloatArray, Photo, encode
from deployments.lookalike.engine import LookalikeEngine, LookalikeQuery
from deployments.lookalike.files import CALIBRATION, INDEX, PEOPLE, PORTRAITS, Person, write_people, write_portraits
from deployments.runtime import Runtime
from registry.manifest import Description, Licence, ModelVersion
from registry.publish import describe
from registry.store import FolderStore
from serve_app.selection import select
from serve_app.settings import ModelChoice, Settings
from training.gallery.indexing import Exam, build_index, make_exam, processor_times

PEOPLE_COUNT: Final = 100_000
QUERIES: Final = 500
NEIGHBOURS: Final = 10
RECALL: Final = 0.99
EFFORTS: Final = (16, 32, 64, 128, 256, 512)

Search = Callable[[FloatArray], Any]


def run() -> list[Figure]:
    """The whole call against its embedding, and one search against hnswlib's and usearch's."""
    store = FolderStore(Settings().store_dir)
    chosen = select(store, ModelChoice()).chosen["faces"]
    faces = build_faces(store.get(chosen.model), Runtime(threads=1))
    query = FaceQuery(Photo.open(encode(photograph(512, 512))))
    found = faces.run([query])[0]
    face, space = found.faces[0], found.space
    if face.embedding is None or space is None:
        raise ValueError(f"{chosen.model} makes no embeddings")
    vectors, queries = in_groups(PEOPLE_COUNT, len(face.embedding), QUERIES, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        built = build_index(vectors)
        gallery = LookalikeEngine(_published(built.index, space, Path(folder)), Runtime(threads=1))
        asked = LookalikeQuery(face.embedding, space, 3)
        taken = alternate(
            {"embedding": lambda: faces.run([query]), "search": lambda: gallery.run([asked])},
            rounds=15,
            clock=time.perf_counter,
        )
        gallery.close()
    faces.close()
    return [
        Figure("finding and embedding the face", taken["embedding"].median, unit="ms"),
        Figure("what looking it up among 100,000 people adds", taken["search"].median, 5, "ms", higher_is_better=False),
        *_libraries(built.index, make_exam(vectors, queries)),
    ]


def _published(index: Any, space: str, folder: Path) -> ModelVersion:
    """A gallery version around ``index``; everybody has the same portrait."""
    portrait = encode(photograph(64, 64))
    name = f"{hashlib.sha256(portrait).hexdigest()[:32]}.jpg"
    faiss.write_index(index, str(folder / INDEX))
    write_people(folder / PEOPLE, [Person(name=f"Person {number}", picture=name) for number in range(PEOPLE_COUNT)])
    write_portraits(folder / PORTRAITS, iter([(name, portrait)]))
    (folder / CALIBRATION).write_text(
        '{"basis": "gallery", "people": 100000, "cosines": [0.0, 0.5, 1.0], "percents": [0.5, 40.0, 99.5]}'
    )
    licence = Licence(name="CC0-1.0", commercial_use=True)
    description = Description(
        model="made-up-people",
        version="v1",
        task="face-gallery",
        format="faiss",
        embedding_space=space,
        licence=licence,
    )
    return ModelVersion(describe(folder, description), folder)


def _libraries(index: Any, exam: Exam) -> Iterator[Figure]:
    """One query of each library in milliseconds, and its recall."""
    contenders: dict[str, Search] = {
        "ours": lambda query: index.search(query, NEIGHBOURS)[1],
        "hnswlib": _hnswlib(exam),
        "usearch": _usearch(exam),
    }
    for name, search in contenders.items():
        times = processor_times(search, exam.queries)
        rows = np.concatenate([search(query[None]) for query in exam.queries]).astype(np.int64)
        yield Figure(f"{name}: one search", float(np.median(times)), unit="ms", higher_is_better=False)
        yield Figure(f"{name}: recall@10", exam.recall(rows))


def _hnswlib(exam: Exam) -> Search:
    import hnswlib

    graph = hnswlib.Index(space="ip", dim=exam.vectors.shape[1])
    graph.init_index(len(exam.vectors), M=16, ef_construction=100)
    graph.set_num_threads(1)
    graph.add_items(exam.vectors)

    def search(queries: FloatArray) -> Any:
        return graph.knn_query(queries, NEIGHBOURS)[0]

    return _least_effort(search, graph.set_ef, exam)


def _usearch(exam: Exam) -> Search:
    from usearch.index import Index

    graph = Index(ndim=exam.vectors.shape[1], metric="ip", dtype="f16", connectivity=16, expansion_add=100)
    graph.add(np.arange(len(exam.vectors)), exam.vectors, threads=1)

    def search(queries: FloatArray) -> Any:
        return np.atleast_2d(graph.search(queries, NEIGHBOURS, threads=1).keys)

    return _least_effort(search, lambda effort: setattr(graph, "expansion_search", effort), exam)


def _least_effort(search: Search, put: Callable[[int], None], exam: Exam) -> Search:
    """``search`` with the first effort that reaches the recall, or the greatest there is."""
    for effort in EFFORTS:
        put(effort)
        if exam.recall(np.asarray(search(exam.queries), np.int64)) >= RECALL:
            break
    return search
