"""The processor an engine was given, and ONNX Runtime sessions that really use it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import onnxruntime as ort

Device = Literal["cpu", "cuda"]


class DeviceUnavailable(RuntimeError):
    """A GPU was asked for and the runtime fell back to something else. A start-up failure, never a warning."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What one engine may use.

    ``threads`` are the CPU cores it was given, never more. ``memory_mb`` is its share of the GPU's memory (0: all of it).
    Every ONNX session may take that much: an engine of several can exceed it, which :mod:`deployments.gpu_memory` reports.
    """

    device: Device = "cpu"
    threads: int = 1
    memory_mb: int = 0


def onnx_session(path: Path, runtime: Runtime) -> ort.InferenceSession:
    """Open an ONNX model on exactly the device asked for.

    Raises :class:`DeviceUnavailable` when the session would run elsewhere.
    """
    # Here, for whoever only chooses models and devices, as the command line does, runs none.
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = runtime.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    # Spinning burns the cores of the deployments next door while this engine waits for its next batch.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[str | tuple[str, dict[str, str]]] = ["CPUExecutionProvider"]
    if runtime.device == "cuda":
        # CUDA comes from Python packages as well; the system's loader does not know of those.
        ort.preload_dlls()
        cuda: dict[str, str] = {"arena_extend_strategy": "kSameAsRequested"}
        if runtime.memory_mb:
            cuda["gpu_mem_limit"] = str(runtime.memory_mb * 2**20)
        providers.insert(0, ("CUDAExecutionProvider", cuda))
    session = ort.InferenceSession(str(path), sess_options=options, providers=providers)
    if runtime.device == "cuda" and "CUDAExecutionProvider" not in session.get_providers():
        raise DeviceUnavailable(
            f"{path.name} was to run on a GPU, but ONNX Runtime only offers {', '.join(session.get_providers())}; "
            "install the gpu extra and check the driver with `masquerade doctor`"
        )
    return session
