"""The numbers a gallery keeps of its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.gallery.collection import Collection
from training.gallery.indexing import unit


def collection(owners: list[int], seed: int = 0) -> Collection:
    rng = np.random.default_rng(seed)
    count = len(owners)
    return Collection(
        unit(rng.standard_normal((count, 16), dtype=np.float32)),
        unit(rng.standard_normal((count, 256), dtype=np.float32)),
        np.array(owners, dtype=np.int32),
    )


def test_what_is_written_is_read_but_for_half_precision(tmp_path: Path) -> None:
    pictures = collection([0, 0, 1])
    pictures.write(tmp_path / "pictures.safetensors")
    read = Collection.read(tmp_path / "pictures.safetensors")
    assert np.allclose(read.vectors, pictures.vectors, atol=1e-3)
    assert np.allclose(read.looks, pictures.looks, atol=1e-3)
    assert np.array_equal(read.owners, pictures.owners)


def test_a_template_is_the_mean_of_a_persons_pictures_at_length_one() -> None:
    pictures = collection([0, 1, 0])
    templates = pictures.templates(2)
    assert np.linalg.norm(templates, axis=1) == pytest.approx([1, 1])
    assert np.allclose(templates[1], pictures.vectors[1])
    assert float(templates[0] @ pictures.vectors[0]) == pytest.approx(float(templates[0] @ pictures.vectors[2]))


def test_collections_join_and_nothing_joins_with_anything() -> None:
    first, second = collection([0, 1]), collection([2], seed=1)
    assert first.joined(second).owners.tolist() == [0, 1, 2]
    assert Collection.empty().joined(second) is second


def test_choosing_keeps_rows_together() -> None:
    pictures = collection([0, 1, 2])
    chosen = pictures.chosen(np.array([True, False, True]))
    assert chosen.owners.tolist() == [0, 2]
    assert np.array_equal(chosen.vectors, pictures.vectors[[0, 2]])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 10**6), change=st.binary(min_size=1, max_size=6), length=st.integers(0, 10**6))
def test_damage_is_refused_or_leaves_rows_that_fit_together(
    tmp_path: Path, place: int, change: bytes, length: int
) -> None:
    path = tmp_path / "pictures.safetensors"
    collection([0, 1]).write(path)
    whole = path.read_bytes()
    place %= len(whole)
    path.write_bytes((whole[:place] + change + whole[place + len(change) :])[: max(length % (2 * len(whole)), 1)])
    try:
        read = Collection.read(path)
    except ValueError:
        return
    assert len(read.vectors) == len(read.looks) == len(read.owners)
