"""Choosing an index for a gallery by what it was measured to find.

=========  ==========================================================================================================
``flat``   every vector, exact. Up to some thousands nothing is faster.
``scan``   every vector as 4-bit codes of two numbers each, compared in registers (PQ fast scan: André, Kermarrec and
           Le Scouarnec, "Quicker ADC", TPAMI 2019), the best of them again at half precision. What it finds hardly
           depends on how the vectors lie, which matters: people's faces are spread almost evenly over the sphere, and
           there graphs and cells lose either their recall or their speed.
``ivf-pq`` the same codes in cells (Jégou, Douze and Schmid, TPAMI 2011), for galleries too large to scan.
``hnsw``   a graph (Malkov and Yashunin, TPAMI 2018) at half precision: fastest where vectors lie in clusters.
=========  ==========================================================================================================
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import faiss
import numpy as np
import numpy.typing as npt

from deployments.imaging import FloatArray

Kind = Literal["flat", "scan", "ivf-pq", "hnsw"]

RECALL_BAR: Final = 0.99
# What the search effort is tuned to. Above the bar by twice the standard error of a recall measured on 2,000 answers,
# so that an index that just passes here does not fail on other queries.
_AIM: Final = 0.9945
_NEIGHBOURS: Final = 10
_QUERIES: Final = 200

_FLAT_UP_TO: Final = 10_000
_SCAN_UP_TO: Final = 1_500_000
_LEAST_TRAINED_ON: Final = 1_000
_TRAINED_ON: Final = 60_000
_CELLS_TRAINED_ON: Final = 200_000

_RERANKED: Final = (3, 10, 30, 100, 300, 1000)
_PROBED: Final = (4, 8, 16, 32, 64, 128, 256, 512)
_EF: Final = (16, 32, 64, 128, 256, 512, 1024, 2048)
_LINKS: Final = 32


class RecallTooLow(ValueError):
    """No search effort brings the index to its recall bar; it must not be published."""


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """A FAISS index with what was measured on it.

    ``recall`` is recall@10 against exact search (of as many neighbours as there are, where that is less);
    ``milliseconds`` the 99th percentile of one query's processor time on one core.
    """

    index: Any
    kind: Kind
    recall: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Exam:
    """Queries [N, D] with the cosine [N] of the tenth of their true neighbours among ``vectors``."""

    vectors: FloatArray
    queries: FloatArray
    tenth: FloatArray

    def recall(self, rows: npt.NDArray[np.int64]) -> float:
        """The share of answers [N, k] that are as near as the tenth true neighbour: recall@10, ties counting as found."""
        vectors = self.vectors[np.maximum(rows, 0)]
        cosines = np.einsum("nd,nkd->nk", self.queries, vectors)
        return float(((cosines >= self.tenth[:, None] - 1e-6) & (rows >= 0)).mean())


def build_index(
    vectors: FloatArray, kind: Kind | None = None, recall_bar: float = RECALL_BAR, seed: int = 0
) -> BuiltIndex:
    """An index over ``vectors`` [N, D] of length 1, tuned and measured on queries like those a gallery meets.

    Without ``kind`` the size decides, and measuring can overrule it. Raises :class:`RecallTooLow` when the kind asked
    for stays under ``recall_bar``, ``ValueError`` when it cannot hold so few vectors or so many numbers.
    """
    exam = make_exam(vectors, like_a_gallerys_queries(vectors, np.random.default_rng(seed)))
    kinds = (kind,) if kind else _by_size(len(vectors))
    for candidate in kinds:
        built = _measured(candidate, vectors, exam)
        if built.recall >= recall_bar:
            return built
    raise RecallTooLow(
        f"a {kinds[-1]} index over {len(vectors)} vectors finds {built.recall:.1%} of the nearest ten, "
        f"and has to find {recall_bar:.1%}"
    )


def make_exam(vectors: FloatArray, queries: FloatArray) -> Exam:
    """Find the true neighbours of ``queries`` by comparing them with everything, a slice at a time."""
    count = min(_NEIGHBOURS, len(vectors))
    best = np.full((len(queries), count), -np.inf, dtype=np.float32)
    for start in range(0, len(vectors), _FLAT_UP_TO):
        cosines = np.concatenate([best, queries @ vectors[start : start + _FLAT_UP_TO].T], axis=1)
        best = np.partition(cosines, cosines.shape[1] - count, axis=1)[:, -count:]
    return Exam(vectors, queries, best.min(axis=1) if count else best.sum(axis=1))


def like_a_gallerys_queries(vectors: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Half other pictures of people who are in the gallery, half strangers: [200, D], length 1.

    A stranger is drawn from the normal distribution with the mean and covariance of the gallery, which on evenly spread
    vectors is as hard as a query can be.
    """
    if not len(vectors):
        return np.zeros((0, vectors.shape[1]), dtype=np.float32)
    known = vectors[rng.integers(len(vectors), size=_QUERIES // 2)]
    sample = vectors[rng.permutation(len(vectors))[:_FLAT_UP_TO]]
    centred = sample - sample.mean(axis=0)
    # Weighting the centred vectors by random numbers gives exactly that distribution, without a factored covariance.
    weights = rng.standard_normal((_QUERIES // 2, len(sample)), dtype=np.float32) / np.sqrt(len(sample))
    strangers = sample.mean(axis=0) + weights @ centred
    return np.concatenate([other_pictures(known, rng), unit(strangers)])


def other_pictures(known: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Vectors like ``known`` [N, D] ones of length 1, each turned by some 50 degrees (cosine about 0.65)."""
    return unit(known + rng.standard_normal(known.shape, dtype=np.float32) * (1.17 / np.sqrt(known.shape[1])))


def processor_times(search: Callable[[FloatArray], object], queries: FloatArray) -> FloatArray:
    """Milliseconds of this thread's processor time for each of ``queries``, one at a time.

    Processor time, because on a busy machine the clock on the wall measures the neighbours as well.
    """
    faiss.omp_set_num_threads(1)
    times = np.empty(len(queries), dtype=np.float32)
    for number in range(len(queries)):
        began = time.thread_time()
        search(queries[number : number + 1])
        times[number] = (time.thread_time() - began) * 1000
    return times


def unit(vectors: FloatArray) -> FloatArray:
    """Rows scaled to length 1; rows of zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def _by_size(count: int) -> tuple[Kind, ...]:
    """What to try, in order; exact search, slow as it may be, is never wrong."""
    if count <= _FLAT_UP_TO:
        return ("flat",)
    return ("scan", "flat") if count <= _SCAN_UP_TO else ("ivf-pq", "scan", "flat")


def _measured(kind: Kind, vectors: FloatArray, exam: Exam) -> BuiltIndex:
    """Build, then spend as little effort per search as the aim allows."""
    index = _construct(kind, vectors)
    count = min(_NEIGHBOURS, len(vectors))
    recall = 1.0
    for _ in _efforts(kind, index, len(vectors)):
        faiss.omp_set_num_threads(1)
        if not count:
            break
        recall = exam.recall(index.search(exam.queries, count)[1])
        if recall >= _AIM:
            break
    times = processor_times(lambda query: index.search(query, max(count, 1)), exam.queries) if count else np.zeros(1)
    return BuiltIndex(index, kind, recall, float(np.percentile(times, 99)))


def _construct(kind: Kind, vectors: FloatArray) -> Any:
    count, dimensions = vectors.shape
    metric = faiss.METRIC_INNER_PRODUCT
    codes = f"PQ{dimensions // 2}x4fs"
    if kind in {"scan", "ivf-pq"} and (count < _LEAST_TRAINED_ON or dimensions % 2):
        raise ValueError(
            f"{count} vectors of {dimensions} numbers cannot be coded for a {kind} index: it takes at least "
            f"{_LEAST_TRAINED_ON}, of an even number of numbers"
        )
    index: Any
    if kind == "flat":
        index = faiss.IndexFlatIP(dimensions)
    elif kind == "scan":
        index = faiss.index_factory(dimensions, f"{codes},Refine(SQfp16)", metric)
    elif kind == "ivf-pq":
        index = faiss.index_factory(dimensions, f"IVF{_cells(count)},{codes},Refine(SQfp16)", metric)
    else:
        index = faiss.index_factory(dimensions, f"HNSW{_LINKS}_SQfp16", metric)
    if not index.is_trained:
        index.train(vectors[:: max(1, count // (_CELLS_TRAINED_ON if kind == "ivf-pq" else _TRAINED_ON))])
    index.add(vectors)
    return index


def _cells(count: int) -> int:
    """About the square root of ``count``, a power of two, as few as leave every cell enough to be trained on."""
    return int(2 ** np.clip(round(np.log2(max(count, 1)) / 2), 0, 12))


def _efforts(kind: Kind, index: Any, count: int) -> Iterator[int]:
    """Set the index to search harder and harder; FAISS keeps these settings in the file."""
    if kind == "hnsw":
        for effort in _EF:
            index.hnsw.efSearch = effort
            yield effort
    elif kind == "ivf-pq":
        cells = faiss.extract_index_ivf(index)
        index.k_factor = _RERANKED[3]
        for effort in _PROBED:
            cells.nprobe = min(effort, cells.nlist)
            yield effort
    elif kind == "scan":
        for effort in _RERANKED:
            index.k_factor = min(effort, max(1, count // _NEIGHBOURS))
            yield effort
    else:
        yield 0
