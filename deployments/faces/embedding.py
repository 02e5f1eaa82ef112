"""Vectors of faces from ArcFace-style networks over 112 px aligned crops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import onnxruntime as ort

from deployments.faces.alignment import ARCFACE_SIZE
from deployments.faces.backend import Sighting
from deployments.imaging import FloatArray

# Bounds the memory of one run; larger batches are no faster on a CPU and hardly on a GPU.
CROPS_PER_RUN: Final = 32


def normalise(vectors: FloatArray) -> FloatArray:
    """Rows of ``vectors`` [N, D] scaled to length 1. Raises ``ValueError`` for a row without direction."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths < 1e-9):
        raise ValueError("an embedding has no direction; the model is broken or was fed the wrong value range")
    return np.asarray(vectors / lengths, dtype=np.float32)


class OnnxEmbedder:
    """An embedding network as an ONNX file: aligned RGB crops, NCHW, ``(value - mean) / std``.

    SFace takes 0..255 as it is (mean 0, std 1); AuraFace and ArcFace take -1..1 (mean and std 127.5).
    """

    def __init__(self, session: ort.InferenceSession, *, space: str, mean: float = 127.5, std: float = 127.5) -> None:
        """Raises ``ValueError`` when the model does not take 112 px crops or does not give one vector each."""
        entry, outputs = session.get_inputs()[0], session.get_outputs()
        if list(entry.shape[1:]) != [3, ARCFACE_SIZE, ARCFACE_SIZE] or len(outputs) != 1 or len(outputs[0].shape) != 2:
            raise ValueError(f"not an embedding network over 112 px crops: input {entry.shape}, {len(outputs)} outputs")
        self.space = space
        self._session = session
        self._input = entry.name
        self._output = outputs[0].name
        self._mean = mean
        self._std = std
        self._group = entry.shape[0] if isinstance(entry.shape[0], int) else CROPS_PER_RUN

    def embed(self, faces: Sequence[Sighting]) -> FloatArray:
        """Vectors [N, D] of length 1."""
        vectors = []
        for start in range(0, len(faces), self._group):
            crops = [face.aligned for face in faces[start : start + self._group]]
            blob = cv2.dnn.blobFromImages(crops, 1 / self._std, mean=(self._mean, self._mean, self._mean))
            vectors.append(self._session.run([self._output], {self._input: blob})[0])
        return normalise(np.concatenate(vectors))
