"""How fast, and how well, is one face looked up among 100,000 and among a million? Synthetic vectors of 512 numbers.

Two ways for vectors to lie. *Evenly*: every direction as likely as any other, queries as well. No vector is much nearer
than the next, so nothing can be skipped on good grounds: the hardest case there is. *In groups*: 200 groups of people
who are alike (cosine about 0.3 within one), and queries that are other pictures of people in the gallery (about 0.65);
like faces, but tidier than they are.

What is timed is one query on one core, as processor time of the searching thread, three times over, of which the fastest
counts: what differs between queries stays, what the neighbours do to the caches goes. Time by the clock on the wall, once
for each query, stands beside it, without a bar.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.faces.command import main
from benchmarks.figures import Figure
from deployments.imaging import FloatArray
from deployments.lookalike.index import VectorIndex
from deployments.runtime import Runtime
from training.gallery.indexing import build_index, make_exam, other_pictures, processor_times, unit

_DIMENSIONS: Final = 512
_QUERIES: Final = 1000
_REPEATS: Final = 3
_NEIGHBOURS: Final = 10
_GROUPS: Final = 200
_SLICE: Final = 100_000

# How many vectors, and the bar on the 99th percentile in milliseconds.
_SIZES: Final = ((100_000, 1.0), (1_000_000, 10.0))
_RECALL: Final = 0.99

_Draw = Callable[[int, int, int, np.random.Generator], tuple[FloatArray, FloatArray]]


def run(_data: Path) -> list[Figure]:
    """Recall@10 against exact search and time of one query, by size and by how the vectors lie."""
    figures: list[Figure] = []
    for size, bar in _SIZES:
        for name, draw in (("even", evenly), ("grouped", in_groups)):
            figures += _judge(f"{size:,} {name}", size, bar, draw)
    return figures


def _judge(title: str, size: int, bar: float, draw: _Draw) -> Iterator[Figure]:
    vectors, queries = draw(size, _DIMENSIONS, _QUERIES, np.random.default_rng(size))
    began = time.perf_counter()
    built = build_index(vectors)
    took = time.perf_counter() - began
    exam = make_exam(vectors, queries)
    index = VectorIndex(built.index, Runtime(threads=1))
    _, rows = index.search(queries, _NEIGHBOURS)
    by_processor = np.min(
        [processor_times(lambda query: index.search(query, _NEIGHBOURS), queries) for _ in range(_REPEATS)], axis=0
    )
    by_clock = _wall_times(index, queries)
    yield Figure(f"{title}, {built.kind}: recall@10", exam.recall(rows), _RECALL)
    yield Figure(
        f"{title}: 99th percentile of a query",
        float(np.percentile(by_processor, 99)),
        bar,
        "ms",
        higher_is_better=False,
    )
    yield Figure(f"{title}: median", float(np.median(by_processor)), unit="ms", higher_is_better=False)
    yield Figure(
        f"{title}: 99th percentile by the clock", float(np.percentile(by_clock, 99)), unit="ms", higher_is_better=False
    )
    yield Figure(f"{title}: building and tuning", took, unit="s", higher_is_better=False)


def evenly(size: int, dimensions: int, asked: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """``size`` vectors and ``asked`` queries in every direction alike."""
    vectors = np.empty((size, dimensions), dtype=np.float32)
    for part in _slices(vectors):
        part[:] = unit(rng.standard_normal(part.shape, dtype=np.float32))
    return vectors, unit(rng.standard_normal((asked, dimensions), dtype=np.float32))


def in_groups(size: int, dimensions: int, asked: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """``size`` vectors of people who are more alike within their group, and ``asked`` other pictures of some of them."""
    centres = unit(rng.standard_normal((_GROUPS, dimensions), dtype=np.float32))
    vectors, _ = evenly(size, dimensions, 0, rng)
    for part in _slices(vectors):
        own = centres[rng.integers(_GROUPS, size=len(part))]
        part[:] = unit(np.sqrt(0.7) * part + np.sqrt(0.3) * own)
    return vectors, other_pictures(vectors[rng.integers(size, size=asked)], rng)


def _slices(vectors: FloatArray) -> Iterator[FloatArray]:
    """Views of some rows at a time: of a million, products take as much memory again."""
    for start in range(0, len(vectors), _SLICE):
        yield vectors[start : start + _SLICE]


def _wall_times(index: VectorIndex, queries: FloatArray) -> list[float]:
    times = []
    for number in range(len(queries)):
        began = time.perf_counter()
        index.search(queries[number : number + 1], _NEIGHBOURS)
        times.append((time.perf_counter() - began) * 1000)
    return times


if __name__ == "__main__":
    main("Search", run)
