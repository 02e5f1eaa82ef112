"""dlib's models: the embedded default, which needs no hub, no GPU and no ONNX.

HOG detector (King, "Max-Margin Object Detection", arXiv:1502.00046, over Felzenszwalb's HOG) or the CNN of the same
paper, 68 points by regression trees (Kazemi and Sullivan, CVPR 2014), and a 29-layer ResNet that maps 150 px chips to
128 numbers. Everything takes RGB 0..255.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import dlib
import numpy as np

from deployments.faces.backend import Backend, Detection, Sighting
from deployments.faces.boxes import resize
from deployments.faces.dlib.boxes import rectangle_of
from deployments.faces.dlib.hog import Hog
from deployments.faces.dlib.networks import CHIP_SIZE, Describe, Find, descriptor, finder
from deployments.faces.embedding import normalise
from deployments.faces.types import Box, FloatArray
from deployments.imaging import Pixels
from deployments.runtime import DeviceUnavailable, Runtime
from registry.manifest import ModelVersion, Strict

PREDICTOR: Final = "shape_predictor_68_face_landmarks.dat"
RESNET: Final = "dlib_face_recognition_resnet_model_v1.dat"
MMOD: Final = "mmod_human_face_detector.dat"

_CHIP_PADDING: Final = 0.25
# Both detectors see faces from about 80 px on. Pictures are scanned with their longer side at this many pixels, so
# that faces from a twentieth of it are found, but at most doubled: enlarging further adds work and no detail.
_SCAN_SIDE: Final = 1600
_MAX_UPSAMPLING: Final = 2.0
_RETRY_UPSAMPLING: Final = 1.6
_RETRY_THRESHOLD: Final = -0.2
# The CNN sees faces from 80 px on; the box in question comes out at half of this.
_CONFIRM_SIDE: Final = 200


class DetectionContract(Strict):
    """``input.detection`` of a dlib manifest."""

    method: Literal["hog", "mmod"] = "hog"


class DlibDetector:
    """HOG or MMOD boxes with 68 points.

    HOG takes badges and knots in wood for faces. A box it is not sure of is only kept where the CNN sees a face as well.
    """

    max_side: int = _SCAN_SIDE
    # Measured on LFW: 5 % of upright pictures score less, 2 % of upside-down ones more.
    sure: float = 0.75

    def __init__(self, predictor: Path, cnn: Find, hog: Hog | None) -> None:
        """``predictor`` is the file of the 68 points. Without ``hog`` the CNN does all the looking."""
        self._predictor = dlib.shape_predictor(str(predictor))
        self._cnn = cnn
        self._hog = hog

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture."""
        return self._scan(pictures, enlarged=1.0, threshold=0.0)

    def look_again(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture seen larger and less strictly: small ones, slanted ones, half profiles."""
        return self._scan(pictures, _RETRY_UPSAMPLING, _RETRY_THRESHOLD)

    def _scan(self, pictures: Sequence[Pixels], enlarged: float, threshold: float) -> list[list[Detection]]:
        scales = [_scan_scale(picture) * enlarged for picture in pictures]
        scanned = [_scaled(picture, scale) for picture, scale in zip(pictures, scales, strict=True)]
        found = [self._cnn(picture) for picture in scanned] if self._hog is None else self._hog(scanned, threshold)
        return [
            [
                face
                for face in self._described(picture, boxes, scale)
                if self._hog is None or self._certain(picture, face)
            ]
            for picture, boxes, scale in zip(pictures, found, scales, strict=True)
        ]

    def _certain(self, picture: Pixels, face: Detection) -> bool:
        return face.score >= self.sure or self._confirmed(picture, face)

    def _confirmed(self, picture: Pixels, face: Detection) -> bool:
        """Whether the CNN finds a face as well, looking at the box and as much again around it."""
        x0, y0, x1, y1 = face.box
        reach = max(x1 - x0, y1 - y0)
        centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
        height, width = picture.shape[:2]
        left, right = max(round(centre_x - reach), 0), min(round(centre_x + reach), width)
        top, bottom = max(round(centre_y - reach), 0), min(round(centre_y + reach), height)
        scale = _CONFIRM_SIDE / max(right - left, bottom - top, 1)
        return bool(self._cnn(_scaled(picture[top:bottom, left:right], scale)))

    def _described(self, picture: Pixels, boxes: Iterable[tuple[Box, float]], scale: float) -> Iterator[Detection]:
        """Boxes and margins in the picture ``scale`` times as large, as faces of this one."""
        for (x0, y0, x1, y1), margin in boxes:
            box = (x0 / scale, y0 / scale, x1 / scale, y1 / scale)
            dense = _points(self._predictor(picture, rectangle_of(box)))
            yield Detection(box, _confidence(margin), five_of(dense), dense)


class DlibEmbedder:
    """The 128-d ResNet. Its author compares vectors by Euclidean distance (0.6); here they have length 1."""

    def __init__(self, resnet: Describe, space: str) -> None:
        self.space = space
        self._resnet = resnet

    def embed(self, faces: Sequence[Sighting]) -> FloatArray:
        """Vectors [N, 128] of length 1. Faces need their 68 points, by which dlib cuts its chips."""
        return normalise(self._resnet([_chip(face) for face in faces]))


def five_of(dense: FloatArray) -> FloatArray:
    """The five points [5, 2] among 68 in iBUG order: centres of the eyes, tip of the nose, corners of the mouth."""
    return np.stack([dense[36:42].mean(axis=0), dense[42:48].mean(axis=0), dense[30], dense[48], dense[54]])


def load(version: ModelVersion, runtime: Runtime) -> Backend:
    """Open the version's files.

    Raises :class:`DeviceUnavailable` when a GPU is asked for and this dlib was built without CUDA, ``KeyError`` when
    the version lacks a file and ``ValueError`` when it names no embedding space.
    """
    if runtime.device == "cuda" and not dlib.DLIB_USE_CUDA:
        raise DeviceUnavailable("this build of dlib has no CUDA; serve dlib on the CPU or take an ONNX face model")
    if version.manifest.embedding_space is None:
        raise ValueError(f"{version.ref} names no embedding_space")
    contract = DetectionContract.model_validate(version.manifest.input.get("detection", {}))
    return Backend(
        detector=DlibDetector(
            version.path(PREDICTOR),
            cnn=finder(version.path(MMOD), runtime),
            hog=Hog(runtime.threads) if contract.method == "hog" else None,
        ),
        embedder=DlibEmbedder(descriptor(version.path(RESNET), runtime), version.manifest.embedding_space),
    )


def _scaled(picture: Pixels, scale: float) -> Pixels:
    height, width = picture.shape[:2]
    return resize(picture, max(round(width * scale), 1), max(round(height * scale), 1))


def _scan_scale(picture: Pixels) -> float:
    height, width = picture.shape[:2]
    scale: float = min(_SCAN_SIDE / max(height, width), _MAX_UPSAMPLING)
    return scale


def _chip(face: Sighting) -> Pixels:
    dense = face.detection.dense
    if dense is None:
        raise ValueError("dlib's embedder needs the 68 points of a face")
    parts = [dlib.point(round(float(x)), round(float(y))) for x, y in dense]
    shape = dlib.full_object_detection(rectangle_of(face.detection.box), parts)
    return np.asarray(dlib.get_face_chip(face.pixels, shape, size=CHIP_SIZE, padding=_CHIP_PADDING), dtype=np.uint8)


def _points(shape: dlib.full_object_detection) -> FloatArray:
    return np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float32)


def _confidence(margin: float) -> float:
    """A support vector machine's margin as 0..1: 0.5 at the detector's own threshold, 0.95 from a margin of 1."""
    return float(1 / (1 + np.exp(-3 * margin)))
