"""An index file is opened and searched, or refused."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.lookalike.index import VectorIndex, read_index
from deployments.runtime import DeviceUnavailable, Runtime


def unit(count: int, dimensions: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def written(specification: str, vectors: np.ndarray, path: Path) -> Path:
    index = faiss.index_factory(vectors.shape[1], specification, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(path))
    return path


@pytest.fixture(scope="module")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "index.faiss"
    return written("PQ8x4fs,Refine(SQfp16)", unit(700, 16), path)


def test_every_vector_finds_itself(tmp_path: Path) -> None:
    vectors = unit(50, 16)
    index = read_index(written("Flat", vectors, tmp_path / "index.faiss"), Runtime())
    cosines, rows = index.search(vectors, 3)
    assert (index.size, index.dimensions) == (50, 16)
    assert rows[:, 0].tolist() == list(range(50))
    assert cosines[:, 0] == pytest.approx(np.ones(50), abs=1e-5)
    assert np.all(np.diff(cosines, axis=1) <= 0)


def test_no_more_are_given_than_there_are(tmp_path: Path) -> None:
    index = read_index(written("Flat", unit(4, 16), tmp_path / "index.faiss"), Runtime())
    assert index.search(unit(1, 16), 10)[1].shape == (1, 4)


def test_an_index_by_euclidean_distance_is_refused() -> None:
    with pytest.raises(ValueError, match="inner product"):
        VectorIndex(faiss.IndexFlatL2(8), Runtime())


def test_a_file_that_is_not_there_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="missing.faiss"):
        read_index(tmp_path / "missing.faiss", Runtime())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 0.999))
def test_a_truncated_index_is_refused(scan_file: Path, tmp_path: Path, share: float) -> None:
    path = tmp_path / "index.faiss"
    whole = scan_file.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="index.faiss"):
        read_index(path, Runtime())


class StandInGpu:
    """What ``faiss-gpu`` adds to the module, on the CPU."""

    def __init__(self) -> None:
        self.temporary = 0

    def setTempMemory(self, size: int) -> None:
        self.temporary = size


class StandInConfig:
    useFloat16 = False


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[StandInConfig]:
    configs: list[StandInConfig] = []

    def flat(_resources: StandInGpu, dimensions: int, config: StandInConfig) -> faiss.IndexFlatIP:
        configs.append(config)
        return faiss.IndexFlatIP(dimensions)

    monkeypatch.setattr(faiss, "StandardGpuResources", StandInGpu, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatConfig", StandInConfig, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatIP", flat, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1, raising=False)
    return configs


@pytest.mark.parametrize(
    "specification", ["Flat", "PQ8x4fs,Refine(SQfp16)", "IVF4,PQ8x4fs,Refine(SQfp16)", "HNSW16_SQfp16"]
)
def test_on_a_gpu_every_kind_of_index_is_searched_exhaustively(
    tmp_path: Path, gpu: list[StandInConfig], specification: str
) -> None:
    vectors = unit(700, 16)
    index = read_index(written(specification, vectors, tmp_path / "index.faiss"), Runtime(device="cuda"))
    assert gpu[0].useFloat16
    _, rows = index.search(vectors[:100], 1)
    assert rows[:, 0].tolist() == list(range(100))


def test_a_gallery_larger_than_its_share_of_a_gpu_is_refused(tmp_path: Path, gpu: list[StandInConfig]) -> None:
    path = written("Flat", unit(70_000, 16), tmp_path / "index.faiss")
    with pytest.raises(DeviceUnavailable, match="2 MB of GPU memory and was given 1 MB"):
        read_index(path, Runtime(device="cuda", memory_mb=1))
    assert read_index(path, Runtime(device="cuda", memory_mb=64)).size == 70_000
