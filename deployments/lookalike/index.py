"""The nearest vectors of a gallery: a FAISS index opened for searching, on the processor an engine was given.

What kind of index it is was decided, and measured, when the gallery was built (``training/gallery/indexing.py``).
Vectors have length 1 and are compared by inner product, so scores are cosines.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from deployments.imaging import FloatArray
from deployments.runtime import DeviceUnavailable, Runtime

IndexArray = npt.NDArray[np.int64]

_GPU_BATCH: Final = 65_536


class VectorIndex:
    """``size`` vectors of ``dimensions`` numbers, the row of each being its place in the gallery."""

    def __init__(self, index: Any, runtime: Runtime) -> None:
        """``index`` is a FAISS index by inner product.

        Raises :class:`DeviceUnavailable` when ``runtime`` asks for a GPU and this FAISS cannot use one, ``ValueError``
        for an index by another metric.
        """
        if index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise ValueError("the index does not compare by inner product")
        self.size: int = index.ntotal
        self.dimensions: int = index.d
        self._resources: Any = None
        self._index = index
        if runtime.device == "cuda":
            self._resources, self._index = _on_gpu(index, runtime.memory_mb)
        self._threads = runtime.threads

    def search(self, queries: FloatArray, count: int) -> tuple[FloatArray, IndexArray]:
        """The ``count`` best rows for each of ``queries`` [N, D]: cosines [N, count] and rows [N, count], best first.

        Queries have length 1. Where fewer were found, rows are -1 at the end.
        """
        # A setting of the whole process and not of the index, so it is made afresh for each search.
        faiss.omp_set_num_threads(self._threads)
        cosines, rows = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), min(count, self.size))
        return cosines, rows


def read_index(path: Path, runtime: Runtime) -> VectorIndex:
    """Open an index file. Raises ``ValueError`` when it is damaged, and what :class:`VectorIndex` raises."""
    try:
        index = faiss.read_index(str(path))
    # A C++ exception, or memory refused for a size that is noise.
    except (RuntimeError, MemoryError) as error:
        raise ValueError(f"{path.name} is not a whole FAISS index") from error
    return VectorIndex(index, runtime)


def _on_gpu(index: Any, memory_mb: int) -> tuple[Any, Any]:
    """The index's vectors in a GPU's memory at half precision, and the resources that must live as long as they.

    A GPU scans a million vectors faster than a CPU walks a graph, so whatever the kind, there the search is exhaustive.
    """
    if not hasattr(faiss, "StandardGpuResources") or faiss.get_num_gpus() == 0:
        raise DeviceUnavailable(
            "the gallery was to be searched on a GPU, but this FAISS has none: install the gpu extra and check the "
            "driver with `masquerade doctor`, or search on the CPU"
        )
    resources = faiss.StandardGpuResources()
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    needed = index.ntotal * index.d * 2
    if memory_mb:
        if needed > memory_mb * 2**20:
            raise DeviceUnavailable(f"the gallery needs {needed >> 20} MB of GPU memory and was given {memory_mb} MB")
        resources.setTempMemory(memory_mb * 2**20 - needed)
    on_gpu = faiss.GpuIndexFlatIP(resources, index.d, config)
    for start in range(0, index.ntotal, _GPU_BATCH):
        on_gpu.add(index.reconstruct_n(start, min(_GPU_BATCH, index.ntotal - start)))
    return resources, on_gpu
