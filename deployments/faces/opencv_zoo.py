"""The pair that may be used commercially: YuNet finds faces, SFace or AuraFace tells them apart.

YuNet: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023, through
``cv2.FaceDetectorYN``. SFace (Zhong et al., IEEE TIP 2021) and AuraFace share ArcFace's crop and run on ONNX Runtime,
where, unlike in ``cv2.FaceRecognizerSF``, crops go in batches and on the device asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from deployments.faces.backend import Backend, Detection
from deployments.faces.boxes import rescale, resize
from deployments.faces.embedding import OnnxEmbedder
from deployments.imaging import Pixels
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion, Strict

# YuNet finds faces from 10 px on; enlarging a small picture twice is all the help it can use.
_MAX_UPSAMPLING: Final = 2.0
_OVERLAP: Final = 0.3
_MOST_CANDIDATES: Final = 5000


class DetectionContract(Strict):
    """``input.detection``: YuNet's file, the longest side pictures are brought to, and the score to reach."""

    file: str
    max_side: int = 960
    threshold: float = 0.8


class RecognitionContract(Strict):
    """``input.recognition``: the embedder's file and value range, ``(value - mean) / std`` of RGB 0..255."""

    file: str
    mean: float
    std: float


class YuNetDetector:
    """YuNet over pictures of any size: RGB 0..255 in, faces with five points out.

    It runs on the CPU whatever the runtime: 75,000 parameters are not worth a trip to a GPU.
    """

    max_side: int = 1920
    # Measured on LFW: 1 % of upright pictures score less; of upside-down ones, which YuNet takes for upright, 90 %.
    sure: float = 0.9

    def __init__(self, path: Path, contract: DetectionContract) -> None:
        """Open ``path`` with the scan size and threshold of ``contract``."""
        self._scan_side = contract.max_side
        self._network = cv2.FaceDetectorYN.create(
            str(path), "", (contract.max_side, contract.max_side), contract.threshold, _OVERLAP, _MOST_CANDIDATES
        )

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture."""
        return [self._scan(picture, self._scan_side) for picture in pictures]

    def look_again(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture seen smaller, because one that fills the frame is larger than any in training."""
        return [self._scan(picture, self._scan_side // 3) for picture in pictures]

    def _scan(self, picture: Pixels, side: int) -> list[Detection]:
        height, width = picture.shape[:2]
        scale = min(side / max(height, width), _MAX_UPSAMPLING)
        scanned = resize(picture, max(round(width * scale), 1), max(round(height * scale), 1))
        self._network.setInputSize((scanned.shape[1], scanned.shape[0]))
        # None when nothing is found, which OpenCV's type stubs do not know.
        rows: Any = self._network.detect(np.ascontiguousarray(scanned[:, :, ::-1]))[1]
        if rows is None:
            return []
        x, y = width / scanned.shape[1], height / scanned.shape[0]
        return [rescale(_detection(row.tolist()), x, y) for row in rows]


def load(version: ModelVersion, runtime: Runtime) -> Backend:
    """Open the version's files.

    Raises :class:`deployments.runtime.DeviceUnavailable` when a GPU is asked for and not there, ``KeyError`` when a
    file is missing and ``ValueError`` when there is an embedding network but no name for its space.
    """
    contract = version.manifest.input
    detection = DetectionContract.model_validate(contract.get("detection", {}))
    embedder = None
    if "recognition" in contract:
        if version.manifest.embedding_space is None:
            raise ValueError(f"{version.ref} holds an embedding network but names no embedding_space")
        recognition = RecognitionContract.model_validate(contract["recognition"])
        embedder = OnnxEmbedder(
            onnx_session(version.path(recognition.file), runtime),
            space=version.manifest.embedding_space,
            mean=recognition.mean,
            std=recognition.std,
        )
    return Backend(detector=YuNetDetector(version.path(detection.file), detection), embedder=embedder)


def _detection(row: list[float]) -> Detection:
    """One of YuNet's rows: x, y, width, height, five points, score."""
    x, y, width, height = row[:4]
    points = np.array(row[4:14], dtype=np.float32).reshape(5, 2)
    return Detection((x, y, x + width, y + height), min(max(row[14], 0.0), 1.0), points)
