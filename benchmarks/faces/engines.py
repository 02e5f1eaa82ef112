"""The model versions that the face benchmarks measure."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final

from registry.manifest import Format, Licence, Manifest, ModelFile, ModelVersion, Task
from registry.store import FolderStore

_RESEARCH: Final = Licence(name="LicenseRef-InsightFace-non-commercial", commercial_use=False)
_MIT: Final = Licence(name="MIT", commercial_use=True)


def scrfd_mobilefacenet(data: Path) -> ModelVersion:
    """SCRFD-2.5G and MobileFaceNet of the shared data as a folder for the ``insightface`` backend."""
    return version_of(
        data / "face_models",
        ["scrfd_2.5g_kps.onnx", "mobilefacenet_y1_128.onnx"],
        model="scrfd-mobilefacenet",
        backend="insightface",
        licence=_RESEARCH,
        embedding_space="mobilefacenet-y1",
    )


def yunet_mobilefacenet(data: Path) -> ModelVersion:
    """YuNet with MobileFaceNet in SFace's place, for the ``opencv-zoo`` backend."""
    detector, embedder = "yunet_n_640_640.onnx", "mobilefacenet_y1_128.onnx"
    return version_of(
        data / "face_models",
        [detector, embedder],
        model="yunet-mobilefacenet",
        backend="opencv-zoo",
        licence=_RESEARCH,
        embedding_space="mobilefacenet-y1",
        contract={"detection": {"file": detector}, "recognition": {"file": embedder, "mean": 0.0, "std": 1.0}},
    )


def dlib_faces() -> ModelVersion:
    """The embedded default, as ``masquerade models pull dlib-faces`` leaves it in ``MASQUERADE_MODELS_DIR``.

    That is ``var/models`` where it is not set. Raises ``UnknownModelVersion`` when it was not pulled yet.
    """
    return FolderStore(Path(os.environ.get("MASQUERADE_MODELS_DIR", "var/models"))).get("dlib-faces")


def landmark_model(data: Path) -> ModelVersion:
    """face-api.js' network for 68 points of the shared data."""
    return version_of(
        data / "face_models", ["face_landmark_68.onnx"], model="points", task="face-landmarks", licence=_MIT
    )


def version_of(
    folder: Path,
    names: list[str],
    *,
    model: str,
    licence: Licence,
    task: Task = "face-analysis",
    weights: Format = "onnx",
    backend: str = "",
    embedding_space: str | None = None,
    contract: dict[str, Any] | None = None,
) -> ModelVersion:
    """Files that lie in a folder without a manifest, as a model version."""
    files = [(folder / name).read_bytes() for name in names]
    manifest = Manifest(
        model=model,
        version="v1",
        task=task,
        format=weights,
        backend=backend,
        files=tuple(
            ModelFile(name=name, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
            for name, content in zip(names, files, strict=True)
        ),
        input=contract or {},
        embedding_space=embedding_space,
        licence=licence,
    )
    return ModelVersion(manifest, folder)
