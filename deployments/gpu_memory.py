"""Living within a share of a GPU: running out is answered by a smaller batch once, then by shedding; use is measured.

No single limit holds the whole of an engine: the arena of each ONNX session (:mod:`deployments.runtime`), torch's
allocator and FAISS's temporary memory are capped at the share, each by itself. A limit reached is an error of their own
making too, so this knows them by name and not by class: none of them has to be installed.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from deployments.engine import Engine
from deployments.errors import Busy
from deployments.runtime import Runtime
from registry.manifest import Manifest

Q = TypeVar("Q")
R = TypeVar("R")

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
# More than a manifest says by this factor is worth a word to whoever wrote it.
TOLERANCE = 1.2

_SAYINGS = re.compile(
    r"out of memory|cudaErrorMemoryAllocation|BFCArena|Failed to allocate memory for requested buffer"
    r"|available memory of .* is smaller than requested|Error: 'err == cudaSuccess' failed: Failed to cudaMalloc",
    re.IGNORECASE,
)


class OutOfMemory(Busy):
    """The GPU's share does not hold even half the batch. Whoever asked may come again in a moment."""


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an engine's error means that memory was refused: torch's, ONNX Runtime's, FAISS's or Python's."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # ONNX Runtime's errors have no base in common but Exception.
    of_a_runtime = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime")
    return of_a_runtime and _SAYINGS.search(str(error)) is not None


def run_sparing(engine: Engine[Q, R], batch: Sequence[Q]) -> list[R]:
    """``engine.run(batch)``; where that runs out of memory, once more in two halves.

    Raises :class:`OutOfMemory` when a half, or a batch of one, does not fit either, and whatever else the engine raises.
    """
    try:
        return engine.run(batch)
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        log.warning(
            "out of memory with a batch of %d: %s", len(batch), str(error).splitlines()[0] if str(error) else ""
        )
        if len(batch) < 2:
            raise OutOfMemory("This studio's GPU is full right now.", retry_after=RETRY_AFTER_S) from error
    middle = (len(batch) + 1) // 2
    try:
        return [*engine.run(batch[:middle]), *engine.run(batch[middle:])]
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        log.warning("out of memory with half a batch (%d); shedding", middle)
        raise OutOfMemory("This studio's GPU is full right now.", retry_after=RETRY_AFTER_S) from error


def used_mb() -> int | None:
    """GPU memory of this process as the driver counts it; None where there is no driver or no NVML to ask."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]
        mine = [
            process.usedGpuMemory or 0
            for handle in handles
            for process in pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
            if process.pid == os.getpid()
        ]
    except pynvml.NVMLError:
        return None
    return sum(mine) >> 20


def weigh(manifests: Sequence[Manifest], runtime: Runtime, measure: Callable[[], int | None] = used_mb) -> str | None:
    """Compare what warmed-up versions use with what their manifests say and with the share; what is wrong, in a sentence.

    None when all is well, on a CPU, or where nothing can be measured.
    """
    if runtime.device != "cuda" or (used := measure()) is None:
        return None
    names = ", ".join(manifest.ref for manifest in manifests)
    said = sum(manifest.memory_mb for manifest in manifests)
    if runtime.memory_mb and used > runtime.memory_mb * TOLERANCE:
        return f"{names} uses {used} MB of GPU memory, and its share is {runtime.memory_mb} MB: raise num_gpus"
    if said and used > said * TOLERANCE:
        return f"{names} uses {used} MB of GPU memory, and the manifest says {said} MB: correct memory_mb"
    return None
