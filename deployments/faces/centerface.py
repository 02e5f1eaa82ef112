"""CenterFace: Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", arXiv:1911.03599, 2019.

A network that answers for every fourth pixel, there and down: how much of a face's centre it is, how large that face is,
and where its five points are. It reads pictures of any size, and finds faces however they are turned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from deployments.faces.backend import Detection, require_numbers
from deployments.faces.boxes import rescale, resize, shorter_side, suppress
from deployments.imaging import FloatArray, Pixels
from deployments.openvino_runtime import openvino_core, plan_options, preferring_openvino
from deployments.runtime import Runtime

# Heat [1, h, w], logarithms of heights and widths [2, h, w], offsets [2, h, w] and points [10, h, w], each y before x.
Maps = Sequence[FloatArray]
# Takes a picture whose sides are multiples of 32.
Network = Callable[[Pixels], Maps]

_CHANNELS: Final = [1, 2, 2, 10]
# The network asks for 32. With fewer shapes OpenVINO, which prepares itself for each, takes less time and memory.
_MULTIPLE: Final = 96
_STRIDE: Final = 4

# It finds faces from about 12 px on; enlarging a small picture twice is all the help it can use.
_SCAN_SIDE: Final = 960
_MAX_UPSAMPLING: Final = 2.0
# A face that fills the frame is larger than any in training.
_RETRY: Final = 0.5
# Nobody is to be told by less than this, however much it is enlarged.
_SMALLEST: Final = 10.0
_THRESHOLD: Final = 0.5
_OVERLAP: Final = 0.3


class CenterFace:
    """Faces with five points; RGB 0..255 pictures of any size."""

    max_side: int = 1600
    # Measured on LFW: 1 % of upright pictures score less; of turned ones, 0.5 % score more and take themselves for upright.
    sure: float = 0.8

    def __init__(self, network: Network) -> None:
        self._network = network

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture."""
        return [self._scan(picture, 1.0) for picture in pictures]

    def look_again(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture seen smaller: those that fill the frame."""
        return [self._scan(picture, _RETRY) for picture in pictures]

    def _scan(self, picture: Pixels, zoom: float) -> list[Detection]:
        height, width = picture.shape[:2]
        scale = min(_SCAN_SIDE / max(height, width), _MAX_UPSAMPLING) * zoom
        scanned = resize(picture, max(round(width * scale), 1), max(round(height * scale), 1))
        x, y = width / scanned.shape[1], height / scanned.shape[0]
        faces = (rescale(face, x, y) for face in _decoded(self._network(_filled(scanned))))
        return [face for face in faces if shorter_side(face.box) >= _SMALLEST]


def open_network(path: Path, runtime: Runtime) -> Network:
    """The network in an ONNX file, as fast as this runtime has it. Raises ``ValueError`` when it is another one."""
    return preferring_openvino(
        runtime,
        lambda: _OpenVinoNetwork(path, runtime),
        lambda: _OpenCvNetwork(path),
        "OpenCV looks for faces, more slowly",
    )


class _OpenVinoNetwork:
    def __init__(self, path: Path, runtime: Runtime) -> None:
        core = openvino_core()
        from openvino import Layout, Type
        from openvino.preprocess import PrePostProcessor

        model = core.read_model(path)
        _check(path, [output.partial_shape[1].get_max_length() for output in model.outputs])
        model.reshape([1, 3, -1, -1])
        steps = PrePostProcessor(model)
        steps.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
        steps.input().model().set_layout(Layout("NCHW"))
        self._request = core.compile_model(
            steps.build(), "CPU", plan_options(runtime, exact=True)
        ).create_infer_request()

    def __call__(self, picture: Pixels) -> Maps:
        self._request.infer([picture[None]], share_inputs=True)
        return [self._request.get_output_tensor(index).data[0] for index in range(len(_CHANNELS))]


class _OpenCvNetwork:
    def __init__(self, path: Path) -> None:
        self._network = cv2.dnn.readNetFromONNX(str(path))
        self._outputs = self._network.getUnconnectedOutLayersNames()
        _check(path, [maps.shape[0] for maps in self(np.zeros((_MULTIPLE, _MULTIPLE, 3), np.uint8))])

    def __call__(self, picture: Pixels) -> Maps:
        self._network.setInput(cv2.dnn.blobFromImage(picture))
        return [np.asarray(maps[0], np.float32) for maps in self._network.forward(self._outputs)]


def _check(path: Path, channels: Sequence[int]) -> None:
    if list(channels) != _CHANNELS:
        raise ValueError(f"{path.name} is no CenterFace: its outputs have {list(channels)} channels, not {_CHANNELS}")


def _filled(picture: Pixels) -> Pixels:
    """The picture in the upper left of a black one whose sides are multiples of 96."""
    below, beside = (-side % _MULTIPLE for side in picture.shape[:2])
    return np.pad(picture, ((0, below), (0, beside), (0, 0)))


def _decoded(maps: Maps) -> Iterator[Detection]:
    """Faces where there is heat enough, without those that overlap with a better one."""
    heat, sizes, offsets, points = maps
    rows, columns = places = np.nonzero(heat[0] >= _THRESHOLD)
    score = heat[0][places]
    with np.errstate(over="ignore", invalid="ignore"):
        heights, widths = np.exp(sizes[:, rows, columns]) * _STRIDE
        y, x = (np.stack(places) + offsets[:, rows, columns] + 0.5) * _STRIDE
        corners = np.stack([x - widths / 2, y - heights / 2], axis=1)
        extent = np.stack([widths, heights], axis=1)
        boxes = np.hstack([corners, corners + extent]).astype(np.float32)
        # Points are told in parts of the box. Whole numbers are centres of pixels, sides of boxes lie between them.
        within = points[:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]
        landmarks = (corners[:, None] + within * extent[:, None] - 0.5).astype(np.float32)
    # Before any are left out: what is no number is neither hot nor apart from others.
    require_numbers("face detector", heat, boxes, landmarks)
    for index in suppress(boxes, score, _OVERLAP):
        x0, y0, x1, y1 = boxes[index].tolist()
        yield Detection((x0, y0, x1, y1), min(float(score[index]), 1.0), landmarks[index])
