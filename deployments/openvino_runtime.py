"""OpenVINO on a processor: silent, and on the threads it was given."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from deployments.processor import multiplies_bfloat16
from deployments.runtime import Runtime

T = TypeVar("T")
U = TypeVar("U")

log = logging.getLogger(__name__)


def preferring_openvino(runtime: Runtime, ours: Callable[[], T], other: Callable[[], U], instead: str) -> T | U:
    """``ours``, which needs OpenVINO, on a processor; ``other`` on a GPU and, saying what happens ``instead``, without it."""
    if runtime.device == "cpu":
        try:
            return ours()
        except ModuleNotFoundError:
            log.info("OpenVINO is not installed; %s", instead)
    return other()


def openvino_core() -> Any:
    """What reads and compiles models, one for the process. Raises ``ModuleNotFoundError`` where OpenVINO is not installed."""
    # OpenVINO reports every import to its maker where this module is found. A studio reports nothing to anybody.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None means: it cannot be imported
    import openvino

    return _only_core(openvino)


@functools.cache
def _only_core(openvino: Any) -> Any:
    """Each core gives its thread a stack for signal handlers and, when it goes, puts back the one before.

    With several, the one that goes last would put back a stack that is gone, and the next signal would end the process.
    """
    return openvino.Core()


def plan_options(runtime: Runtime, streams: int = 1, *, exact: bool = False) -> dict[str, Any]:
    """How a model is to be compiled for one engine: so many requests at a time share the engine's cores.

    ``exact`` computes at single precision on every processor, for results that are compared with those of another one.
    """
    return {
        "INFERENCE_NUM_THREADS": runtime.threads,
        "NUM_STREAMS": streams,
        # Left to itself OpenVINO takes bfloat16 wherever there is an instruction for it, faster or not.
        "INFERENCE_PRECISION_HINT": "bf16" if multiplies_bfloat16() and not exact else "f32",
        # Pinned threads of several replicas would share cores while others stand idle.
        "ENABLE_CPU_PINNING": False,
    }
