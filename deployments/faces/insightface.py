"""InsightFace's model folders: SCRFD, ArcFace and, where they are there, 68 points and age.

Takes ``buffalo_l``, ``buffalo_s``, ``antelopev2`` and any other folder of ONNX files that the insightface package
would take. What each file is for is read from its inputs and outputs, as insightface does, so nothing depends on file
names. Nothing is downloaded: the registry has already done that, with the licence shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from insightface.app.common import Face as InsightFace
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.model_zoo.attribute import Attribute
from insightface.model_zoo.landmark import Landmark

from deployments.faces.alignment import ARCFACE_SIZE
from deployments.faces.backend import Backend, Sighting
from deployments.faces.embedding import CROPS_PER_RUN, normalise
from deployments.faces.scrfd import ScrfdDetector
from deployments.imaging import FloatArray, Pixels
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion, Strict

# insightface's network for 68 points in space predicts 1,103 mesh vertices and ends with the 68.
_MESH_NUMBERS: Final = 3309


class DetectionContract(Strict):
    """``input.detection`` of a manifest: the square the detector sees (unless its file fixes it) and its threshold."""

    size: int = 640
    threshold: float = 0.5


class RecognitionContract(Strict):
    """``input.recognition`` of a manifest: the network takes ``(value - mean) / std``.

    Without it insightface tells the range from the graph's first nodes: 0..255 when they subtract and multiply
    themselves, -1..1 otherwise.
    """

    mean: float
    std: float


class ArcFaceEmbedder:
    """ArcFace through insightface's class, as many aligned crops a run as the model's batch axis allows."""

    def __init__(self, model: Any, space: str) -> None:
        """``model`` is an ``insightface.model_zoo.arcface_onnx.ArcFaceONNX`` for 112 px crops."""
        if model.input_size != (ARCFACE_SIZE, ARCFACE_SIZE):
            raise ValueError(f"the embedding network takes {model.input_size} crops, not {ARCFACE_SIZE} px")
        self.space = space
        self._model = model
        self._group = model.input_shape[0] if isinstance(model.input_shape[0], int) else CROPS_PER_RUN

    def embed(self, faces: Sequence[Sighting]) -> FloatArray:
        """Vectors [N, D] of length 1."""
        bgr = [np.ascontiguousarray(face.aligned[:, :, ::-1]) for face in faces]
        runs = range(0, len(bgr), self._group)
        return normalise(np.concatenate([self._model.get_feat(bgr[run : run + self._group]) for run in runs]))


class MeshLandmarks:
    """68 points through insightface's ``1k3d68`` network; depth is dropped."""

    def __init__(self, model: Any) -> None:
        """``model`` is an ``insightface.model_zoo.landmark.Landmark``."""
        self._model = model

    def locate(self, faces: Sequence[Sighting]) -> list[FloatArray]:
        """Points [68, 2] of each face."""
        return [self._locate(face) for face in faces]

    def _locate(self, face: Sighting) -> FloatArray:
        neighbourhood, corner = _neighbourhood(face)
        points = self._model.get(*neighbourhood)[:, :2] + corner
        return np.asarray(points, dtype=np.float32)


class AttributeAges:
    """Age through insightface's ``genderage`` network; what it says about gender is not used."""

    def __init__(self, model: Any) -> None:
        """``model`` is an ``insightface.model_zoo.attribute.Attribute``."""
        self._model = model

    def estimate(self, faces: Sequence[Sighting]) -> list[float]:
        """Ages in whole years."""
        return [float(self._model.get(*_neighbourhood(face)[0])[1]) for face in faces]


def load(version: ModelVersion, runtime: Runtime) -> Backend:
    """Open the version's files.

    Raises :class:`deployments.runtime.DeviceUnavailable` when a GPU is asked for and not there, ``ValueError`` when
    the folder has no detector, or has an embedding network and no name for its space.
    """
    detection = DetectionContract.model_validate(version.manifest.input.get("detection", {}))
    models = dict(_open(version, runtime, detection))
    if "detection" not in models:
        raise ValueError(f"{version.ref} holds no SCRFD detector with key points")
    return Backend(
        detector=models["detection"],
        embedder=models.get("recognition"),
        landmarks=models.get("landmarks"),
        ages=models.get("ages"),
    )


def _open(version: ModelVersion, runtime: Runtime, detection: DetectionContract) -> Iterator[tuple[str, Any]]:
    """The role and model of each file that plays one here; other files, such as 106 points, are closed again."""
    for entry in version.manifest.files:
        if not entry.name.endswith(".onnx"):
            continue
        path = version.path(entry.name)
        session = onnx_session(path, runtime)
        role = _role(session)
        if role == "detection":
            yield role, ScrfdDetector(session, threshold=detection.threshold, size=detection.size)
        elif role == "recognition":
            yield role, ArcFaceEmbedder(_arcface(str(path), session, version), _space(version))
        elif role == "landmarks":
            yield role, MeshLandmarks(Landmark(model_file=str(path), session=session))
        elif role == "ages":
            yield role, AttributeAges(Attribute(model_file=str(path), session=session))


def _role(session: ort.InferenceSession) -> str | None:
    """What a file is for, by the rules of ``insightface.model_zoo.ModelRouter``."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    sides = tuple(inputs[0].shape[2:])
    if len(outputs) >= 5:
        return "detection"
    if len(inputs) != 1 or len(outputs) != 1:
        return None
    if sides == (192, 192):
        return "landmarks" if outputs[0].shape[1] == _MESH_NUMBERS else None
    if sides == (96, 96):
        return "ages" if outputs[0].shape[1] == 3 else None
    return "recognition" if sides == (ARCFACE_SIZE, ARCFACE_SIZE) else None


def _arcface(path: str, session: ort.InferenceSession, version: ModelVersion) -> Any:
    model = ArcFaceONNX(model_file=path, session=session)
    stated = version.manifest.input.get("recognition")
    if stated is not None:
        contract = RecognitionContract.model_validate(stated)
        model.input_mean, model.input_std = contract.mean, contract.std
    return model


def _space(version: ModelVersion) -> str:
    if version.manifest.embedding_space is None:
        raise ValueError(f"{version.ref} holds an embedding network but names no embedding_space")
    return version.manifest.embedding_space


def _neighbourhood(face: Sighting) -> tuple[tuple[Pixels, Any], tuple[int, int]]:
    """What insightface's crop models take (BGR pixels and a face), cut down to where they look, and its corner x, y.

    They look at a square 1.5 times the box; converting the whole photo to BGR for every face would cost far more.
    """
    x0, y0, x1, y1 = face.detection.box
    reach = max(x1 - x0, y1 - y0)
    left, top = max(int((x0 + x1) / 2 - reach), 0), max(int((y0 + y1) / 2 - reach), 0)
    right, bottom = int((x0 + x1) / 2 + reach) + 1, int((y0 + y1) / 2 + reach) + 1
    bgr = np.ascontiguousarray(face.pixels[top:bottom, left:right, ::-1])
    return (bgr, InsightFace(bbox=np.array([x0 - left, y0 - top, x1 - left, y1 - top]))), (left, top)
