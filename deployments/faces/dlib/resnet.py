"""dlib's network for faces as 128 numbers.

dlib computes it itself, slowly where its wheel was built without a library for matrices. On OpenVINO, where that is
installed, it takes a twentieth of the time and comes to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import dlib
import numpy as np

from deployments.faces.dlib.graph import compiled
from deployments.faces.dlib.serialized import read
from deployments.imaging import FloatArray, Pixels
from deployments.openvino_runtime import preferring_openvino
from deployments.runtime import Runtime

# Takes chips [N, 150, 150, 3], gives vectors [N, 128] as long as they come.
Describe = Callable[[Sequence[Pixels]], FloatArray]

CHIP_SIZE: Final = 150

_CHIPS_PER_RUN: Final = 32


def descriptor(path: Path, runtime: Runtime) -> Describe:
    """The ResNet, as fast as this runtime has it. Raises what opening a damaged file raises."""
    return preferring_openvino(
        runtime,
        lambda: ResNet(path, runtime),
        lambda: _DlibResNet(path),
        "dlib computes its network itself, more slowly",
    )


class ResNet:
    """The ResNet on OpenVINO. Raises ``ModuleNotFoundError`` where that is not installed."""

    def __init__(self, path: Path, runtime: Runtime) -> None:
        self._request = compiled(read(path), [1, CHIP_SIZE, CHIP_SIZE, 3], runtime)

    def __call__(self, chips: Sequence[Pixels]) -> FloatArray:
        return np.concatenate([self._describe(chip) for chip in chips])

    def _describe(self, chip: Pixels) -> FloatArray:
        self._request.infer([chip[None]], share_inputs=True)
        return np.array(self._request.get_output_tensor(0).data, np.float32)


class _DlibResNet:
    def __init__(self, path: Path) -> None:
        self._network = dlib.face_recognition_model_v1(str(path))

    def __call__(self, chips: Sequence[Pixels]) -> FloatArray:
        runs = [list(chips[start : start + _CHIPS_PER_RUN]) for start in range(0, len(chips), _CHIPS_PER_RUN)]
        vectors = [self._network.compute_face_descriptor(run) for run in runs]
        return np.concatenate([np.asarray(vector, dtype=np.float32) for vector in vectors])
