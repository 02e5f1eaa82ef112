"""68 points from face-api.js' landmark network (a depthwise CNN of 350,000 parameters), for backends without their own.

The network takes a 112 px RGB crop (0..255, NCHW) that holds a face from brows to chin and answers with 136 numbers in
0..1: x and y of each iBUG point as a share of the crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import onnxruntime as ort

from deployments.faces.alignment import ARCFACE_SIZE, ARCFACE_TEMPLATE, invert, transform_points, umeyama, warp
from deployments.faces.backend import Sighting
from deployments.faces.embedding import CROPS_PER_RUN
from deployments.imaging import FloatArray

# Where the five points come to lie in the crop: the ArcFace template moved up and a little smaller. Chosen by the
# error against dlib's 68 points on LFW, which is twice as large when the face sits as low as it does for ArcFace.
_TEMPLATE: Final[FloatArray] = (
    (ARCFACE_TEMPLATE - ARCFACE_SIZE / 2) * 0.96 + (ARCFACE_SIZE / 2, ARCFACE_SIZE / 4)
).astype(np.float32)


class OnnxLandmarks:
    """68 points by one network run over the upright crops of many faces."""

    def __init__(self, session: ort.InferenceSession) -> None:
        """Raises ``ValueError`` when the model does not answer a 112 px crop with 136 numbers."""
        entry, output = session.get_inputs()[0], session.get_outputs()[0]
        if list(entry.shape[1:]) != [3, ARCFACE_SIZE, ARCFACE_SIZE] or output.shape[1:] != [136]:
            raise ValueError(f"not a network for 68 points: input {entry.shape}, output {output.shape}")
        self._session = session
        self._input = entry.name
        self._output = output.name

    def locate(self, faces: Sequence[Sighting]) -> list[FloatArray]:
        """Points [68, 2] of each face."""
        found: list[FloatArray] = []
        for start in range(0, len(faces), CROPS_PER_RUN):
            group = faces[start : start + CROPS_PER_RUN]
            matrices = [umeyama(face.detection.landmarks, _TEMPLATE) for face in group]
            crops = [warp(face.pixels, matrix, ARCFACE_SIZE) for face, matrix in zip(group, matrices, strict=True)]
            shares = self._session.run([self._output], {self._input: cv2.dnn.blobFromImages(crops)})[0]
            points = shares.reshape(-1, 68, 2) * ARCFACE_SIZE
            found += [transform_points(own, invert(matrix)) for own, matrix in zip(points, matrices, strict=True)]
        return found
