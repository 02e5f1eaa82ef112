"""SCRFD: Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", ICLR 2022.

insightface's own class looks at one picture at a time; this one runs as many as the model's batch axis allows and
decodes the same outputs to the same boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import cv2
import numpy as np
import onnxruntime as ort

from deployments.faces.backend import Detection, require_numbers
from deployments.faces.boxes import letterbox, suppress
from deployments.imaging import FloatArray, Pixels

_STRIDES: Final = (8, 16, 32, 64, 128)
_MEAN: Final = 127.5
_STD: Final = 128.0
_OVERLAP: Final = 0.4
_DEFAULT_SIZE: Final = 640
_RETRY_FILL: Final = 0.4


class ScrfdDetector:
    """SCRFD with key points over an open session: RGB 0..255 pictures in, faces with five points out.

    The network sees squares of ``size`` px (its own where the file fixes one).
    """

    max_side: int = 1920
    # Measured on LFW: 5 % of upright pictures score less; of turned ones 10 % on one side, 2 % upside down, more.
    sure: float = 0.78

    def __init__(self, session: ort.InferenceSession, *, threshold: float = 0.5, size: int = _DEFAULT_SIZE) -> None:
        """Raises ``ValueError`` for a model that is not an SCRFD with key points."""
        outputs = session.get_outputs()
        if len(outputs) not in (9, 15):
            raise ValueError(f"an SCRFD with key points has 9 or 15 outputs, this model has {len(outputs)}")
        entry = session.get_inputs()[0]
        batch, _, height, _ = entry.shape
        self._session = session
        self._input = entry.name
        self._names = [output.name for output in outputs]
        self._levels = len(outputs) // 3
        self._anchors = 2 if self._levels == 3 else 1
        self._size = height if isinstance(height, int) and height > 0 else size
        # Exports without a batch axis in their outputs flatten a batch into one list, so they take one picture a time.
        self._batched = not isinstance(batch, int) and len(outputs[0].shape) == 3
        self._threshold = threshold
        self._centres = [self._grid(stride) for stride in _STRIDES[: self._levels]]

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture."""
        return self._look(pictures, fill=1.0)

    def look_again(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture seen smaller, because one that fills the frame is larger than any in training."""
        return self._look(pictures, _RETRY_FILL)

    def _look(self, pictures: Sequence[Pixels], fill: float) -> list[list[Detection]]:
        found: list[list[Detection]] = []
        remaining = iter(pictures)
        while group := list(islice(remaining, 16 if self._batched else 1)):
            boxed = [letterbox(picture, self._size, fill=fill) for picture in group]
            blob = cv2.dnn.blobFromImages([canvas for canvas, _ in boxed], 1 / _STD, mean=(_MEAN, _MEAN, _MEAN))
            outputs = self._session.run(self._names, {self._input: blob})
            for index, (_, scale) in enumerate(boxed):
                own = [output[index] if output.ndim == 3 else output for output in outputs]
                found.append(list(self._decode(own, scale)))
        return found

    def _decode(self, outputs: Sequence[FloatArray], scale: float) -> Iterator[Detection]:
        """Anchor centres plus predicted distances, in units of the level's stride, then non-maximum suppression."""
        scores, boxes, points = [], [], []
        for level in range(self._levels):
            stride = _STRIDES[level]
            score = outputs[level][:, 0]
            # Before any are left out: what is no number reaches no threshold.
            require_numbers("face detector", score)
            chosen = np.flatnonzero(score >= self._threshold)
            centre = self._centres[level][chosen]
            distance = outputs[self._levels + level][chosen] * stride
            offset = outputs[2 * self._levels + level][chosen].reshape(-1, 5, 2) * stride
            scores.append(score[chosen])
            boxes.append(np.hstack([centre - distance[:, :2], centre + distance[:, 2:]]))
            points.append(centre[:, None, :] + offset)
        score = np.concatenate(scores)
        box = (np.concatenate(boxes) / scale).astype(np.float32)
        point = (np.concatenate(points) / scale).astype(np.float32)
        require_numbers("face detector", box, point)
        for index in suppress(box, score, _OVERLAP):
            x0, y0, x1, y1 = box[index].tolist()
            yield Detection((x0, y0, x1, y1), float(score[index]), point[index])

    def _grid(self, stride: int) -> FloatArray:
        """Anchor centres [cells * anchors, 2] of one level, row by row."""
        cells = self._size // stride
        rows, columns = np.mgrid[:cells, :cells]
        centres = np.stack([columns, rows], axis=-1).reshape(-1, 2) * stride
        return np.repeat(centres, self._anchors, axis=0).astype(np.float32)
