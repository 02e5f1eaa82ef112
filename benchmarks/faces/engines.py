"""The model versions that the face benchmarks measure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.versions import version_of
from registry.manifest import Licence, ModelVersion
from registry.store import FolderStore

_RESEARCH: Final = Licence(name="LicenseRef-InsightFace-non-commercial", commercial_use=False)
_MIT: Final = Licence(name="MIT", commercial_use=True)
_MOBILEFACENET: Final = {
    "task": "face-analysis",
    "format": "onnx",
    "licence": _RESEARCH,
    "embedding_space": "mobilefacenet-y1",
}


@dataclass(frozen=True, slots=True)
class Contender:
    """A model version with the bar it is held to; None where it only informs."""

    title: str
    version: ModelVersion
    bar: float | None


def scrfd_mobilefacenet(data: Path) -> ModelVersion:
    """SCRFD-2.5G and MobileFaceNet of the shared data as a folder for the ``insightface`` backend."""
    return version_of(
        data / "face_models",
        ["scrfd_2.5g_kps.onnx", "mobilefacenet_y1_128.onnx"],
        model="scrfd-mobilefacenet",
        backend="insightface",
        **_MOBILEFACENET,
    )


def yunet_mobilefacenet(data: Path) -> ModelVersion:
    """YuNet with MobileFaceNet in SFace's place, for the ``opencv-zoo`` backend."""
    detector, embedder = "yunet_n_640_640.onnx", "mobilefacenet_y1_128.onnx"
    return version_of(
        data / "face_models",
        [detector, embedder],
        model="yunet-mobilefacenet",
        backend="opencv-zoo",
        input={"detection": {"file": detector}, "recognition": {"file": embedder, "mean": 0.0, "std": 1.0}},
        **_MOBILEFACENET,
    )


def dlib_faces() -> ModelVersion:
    """The embedded default, as ``masquerade models pull dlib-faces`` leaves it in ``MASQUERADE_MODELS_DIR``.

    That is ``var/models`` where it is not set. Raises ``UnknownModelVersion`` when it was not pulled yet.
    """
    return FolderStore(Path(os.environ.get("MASQUERADE_MODELS_DIR", "var/models"))).get("dlib-faces")


def landmark_model(data: Path) -> ModelVersion:
    """face-api.js' network for 68 points of the shared data."""
    return version_of(
        data / "face_models",
        ["face_landmark_68.onnx"],
        model="points",
        task="face-landmarks",
        format="onnx",
        licence=_MIT,
    )
