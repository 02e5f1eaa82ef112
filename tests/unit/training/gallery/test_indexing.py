"""The index is chosen by size and by what it was measured to find; one that finds too little is not published."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.lookalike.index import VectorIndex, read_index
from deployments.runtime import Runtime
from training.gallery import indexing
from training.gallery.indexing import RecallTooLow, build_index, like_a_gallerys_queries, make_exam, unit


def evenly(count: int, dimensions: int = 32, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((count, dimensions), dtype=np.float32))


def exact(vectors: np.ndarray, queries: np.ndarray, count: int = 10) -> list[set[int]]:
    return [set(np.argsort(-(vectors @ query))[:count].tolist()) for query in queries]


def test_a_small_gallery_is_searched_exactly() -> None:
    vectors = evenly(300)
    built = build_index(vectors)
    assert (built.kind, built.recall) == ("flat", 1.0)
    _, rows = VectorIndex(built.index, Runtime()).search(evenly(5, seed=1), 10)
    assert [set(row) for row in rows.tolist()] == exact(vectors, evenly(5, seed=1))


def test_a_large_gallery_is_scanned_at_its_recall_bar_on_the_hardest_vectors() -> None:
    vectors, queries = evenly(12_000), evenly(200, seed=1)
    built = build_index(vectors)
    assert built.kind == "scan"
    _, rows = VectorIndex(built.index, Runtime()).search(queries, 10)
    hits = [len(set(found) & right) for found, right in zip(rows.tolist(), exact(vectors, queries), strict=True)]
    assert np.mean(hits) / 10 >= 0.99
    assert built.milliseconds > 0


@pytest.mark.parametrize("kind", ["scan", "ivf-pq", "hnsw"])
def test_every_kind_reaches_the_bar_and_keeps_its_effort_in_the_file(kind: indexing.Kind, tmp_path: Path) -> None:
    vectors = evenly(3_000)
    built = build_index(vectors, kind)
    assert (built.kind, built.recall >= 0.99) == (kind, True)
    faiss.write_index(built.index, str(tmp_path / "index.faiss"))
    opened = read_index(tmp_path / "index.faiss", Runtime())
    queries = evenly(100, seed=1)
    recall = make_exam(vectors, queries).recall(opened.search(queries, 10)[1])
    assert recall >= 0.98


def test_an_index_under_its_bar_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_RERANKED", (1,))
    with pytest.raises(RecallTooLow, match="has to find 99.0%"):
        build_index(evenly(3_000), "scan")


def test_left_to_choose_the_builder_falls_back_to_exact_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_RERANKED", (1,))
    monkeypatch.setattr(indexing, "_FLAT_UP_TO", 1_000)
    built = build_index(evenly(3_000))
    assert (built.kind, built.recall) == ("flat", 1.0)


@pytest.mark.parametrize("kind", ["scan", "ivf-pq"])
def test_too_few_vectors_to_be_coded_are_named_as_the_reason(kind: indexing.Kind) -> None:
    with pytest.raises(ValueError, match="at least 1000"):
        build_index(evenly(20), kind)


@pytest.mark.parametrize("count", [0, 1, 2, 9, 11])
def test_galleries_of_a_handful_work(count: int) -> None:
    built = build_index(evenly(count))
    assert (built.index.ntotal, built.recall) == (count, 1.0)


def test_the_same_vectors_give_the_same_index() -> None:
    first, second = (faiss.serialize_index(build_index(evenly(2_000), "scan").index) for _ in range(2))
    assert np.array_equal(first, second)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 60), wrong=st.integers(0, 10), seed=st.integers(0, 100))
def test_recall_is_the_share_of_true_neighbours_found(count: int, wrong: int, seed: int) -> None:
    vectors, queries = evenly(count, 8, seed), evenly(1, 8, seed + 1)
    order = np.argsort(-(vectors @ queries[0]))
    asked = min(10, count)
    missed = min(wrong, asked, count - asked)
    rows = np.concatenate([order[: asked - missed], order[count - missed :]])[None]
    assert make_exam(vectors, queries).recall(rows) == pytest.approx((asked - missed) / asked)


def test_answers_that_are_missing_count_as_wrong() -> None:
    vectors = evenly(20)
    assert make_exam(vectors, vectors[:1]).recall(np.full((1, 10), -1)) == 0


def test_equal_vectors_do_not_lower_the_recall() -> None:
    vectors = np.repeat(evenly(3), 20, axis=0)
    exam = make_exam(vectors, vectors[:1])
    assert exam.recall(np.arange(10)[None]) == exam.recall(np.arange(5, 15)[None]) == 1


def test_half_the_queries_are_people_of_the_gallery_and_half_strangers() -> None:
    vectors = evenly(4_000, 128)
    queries = like_a_gallerys_queries(vectors, np.random.default_rng(0))
    nearest = (queries @ vectors.T).max(axis=1)
    assert np.linalg.norm(queries, axis=1) == pytest.approx(np.ones(200), abs=1e-5)
    assert 0.55 < np.median(nearest[:100]) < 0.75
    assert np.median(nearest[100:]) < 0.45
