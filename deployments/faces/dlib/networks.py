"""dlib's two networks: faces as 128 numbers, and the detector that reads a picture at every size.

dlib computes them itself, slowly where its wheel was built without a library for matrices. On OpenVINO, where that is
installed, they take a twentieth of the time and come to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import dlib
import numpy as np

from deployments.faces.boxes import suppress
from deployments.faces.dlib.boxes import box_of
from deployments.faces.dlib.graph import compiled
from deployments.faces.dlib.serialized import Convolution, Network, read
from deployments.faces.types import Box, FloatArray
from deployments.imaging import Pixels
from deployments.openvino_runtime import preferring_openvino
from deployments.runtime import Runtime

# Takes chips [N, 150, 150, 3], gives vectors [N, 128] as long as they come.
Describe = Callable[[Sequence[Pixels]], FloatArray]
# Takes a picture, gives its faces and the margins by which they are some, above 0.
Find = Callable[[Pixels], list[tuple[Box, float]]]

CHIP_SIZE: Final = 150

# Each picture of the pyramid is this much smaller than the one before; the smallest still shows half of the window.
_STEP: Final = 5 / 6
_LEAST_SIDE: Final = 40
_CHIPS_PER_RUN: Final = 32
_SLOWLY: Final = "dlib computes its networks itself, more slowly"
# dlib puts as much black around a picture, in which a window may lie with a part of it.
_MARGIN: Final = 11


def descriptor(path: Path, runtime: Runtime) -> Describe:
    """The ResNet, as fast as this runtime has it. Raises what opening a damaged file raises."""
    return preferring_openvino(runtime, lambda: ResNet(path, runtime), lambda: _DlibResNet(path), _SLOWLY)


def finder(path: Path, runtime: Runtime) -> Find:
    """The detector, as fast as this runtime has it. Raises what opening a damaged file raises."""
    return preferring_openvino(runtime, lambda: Mmod(path, runtime), lambda: _DlibMmod(path), _SLOWLY)


class ResNet:
    """The ResNet on OpenVINO. Raises ``ModuleNotFoundError`` where that is not installed."""

    def __init__(self, path: Path, runtime: Runtime) -> None:
        self._request = compiled(read(path), [1, CHIP_SIZE, CHIP_SIZE, 3], runtime)

    def __call__(self, chips: Sequence[Pixels]) -> FloatArray:
        return np.concatenate([self._describe(chip) for chip in chips])

    def _describe(self, chip: Pixels) -> FloatArray:
        self._request.infer([chip[None]], share_inputs=True)
        return np.array(self._request.get_output_tensor(0).data, np.float32)


class Mmod:
    """The detector on OpenVINO. Raises ``ModuleNotFoundError`` where that is not installed.

    dlib lays the pictures of its pyramid into one; here each is looked at by itself.
    """

    def __init__(self, path: Path, runtime: Runtime) -> None:
        network = read(path)
        if network.window is None:
            raise ValueError(f"{path.name} holds no detector")
        self._half = np.array((network.window.width, network.window.height), np.float32) / 2
        self._overlap = network.window.overlap
        self._stride, self._first = _places(network)
        self._request = compiled(network, [1, -1, -1, 3], runtime)

    def __call__(self, picture: Pixels) -> list[tuple[Box, float]]:
        boxes, margins = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        for level in _pyramid(picture):
            windows, above = self._windows(level)
            scale = np.array(picture.shape[1::-1], np.float32) / level.shape[1::-1]
            boxes.append(windows * np.tile(scale, 2))
            margins.append(above)
        corners, scores = np.concatenate(boxes), np.concatenate(margins)
        kept = suppress(corners, scores, self._overlap)
        return [((*corners[index].tolist(),), float(scores[index])) for index in kept]

    def _windows(self, level: Pixels) -> tuple[FloatArray, FloatArray]:
        """The windows with a face in them as boxes [N, 4], and their margins [N]."""
        framed = np.pad(level, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)))
        self._request.infer([framed[None]], share_inputs=True)
        margins = self._request.get_output_tensor(0).data[0, 0]
        faces = margins > 0
        centres = self._stride * np.argwhere(faces)[:, ::-1] + self._first + 0.5 - _MARGIN
        return np.hstack([centres - self._half, centres + self._half]), margins[faces]


class _DlibResNet:
    def __init__(self, path: Path) -> None:
        self._network = dlib.face_recognition_model_v1(str(path))

    def __call__(self, chips: Sequence[Pixels]) -> FloatArray:
        runs = [list(chips[start : start + _CHIPS_PER_RUN]) for start in range(0, len(chips), _CHIPS_PER_RUN)]
        vectors = [self._network.compute_face_descriptor(run) for run in runs]
        return np.concatenate([np.asarray(vector, dtype=np.float32) for vector in vectors])


class _DlibMmod:
    def __init__(self, path: Path) -> None:
        self._network = dlib.cnn_face_detection_model_v1(str(path))

    def __call__(self, picture: Pixels) -> list[tuple[Box, float]]:
        return [(box_of(found.rect), found.confidence) for found in self._network(picture, 0)]


def _pyramid(picture: Pixels) -> Iterator[Pixels]:
    while min(picture.shape[:2]) >= _LEAST_SIDE:
        yield picture
        height, width = picture.shape[:2]
        size = (int(width * _STEP), int(height * _STEP))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _places(network: Network) -> tuple[int, int]:
    """How far apart in the picture neighbours in the answer lie, and the pixel over which the first one does."""
    stride, first = 1, 0
    for layer in network.layers:
        if isinstance(layer, Convolution):
            first += stride * (layer.filters.shape[2] // 2 - layer.padding[0])
            stride *= layer.stride[0]
    return stride, first
