"""The embedded default, which needs no hub and no GPU: CenterFace finds faces, dlib's models describe them.

68 points by regression trees, and a 29-layer ResNet that maps 150 px chips to 128 numbers. Everything takes RGB 0..255.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import dlib
import numpy as np

from deployments.faces import pose
from deployments.faces.alignment import alignable
from deployments.faces.backend import Backend, Detection, Detector, Sighting
from deployments.faces.centerface import CenterFace, open_network
from deployments.faces.dlib.points import Predictor
from deployments.faces.dlib.resnet import CHIP_SIZE, Describe, descriptor
from deployments.faces.embedding import normalise
from deployments.faces.landmarks import five_of
from deployments.imaging import FloatArray, Pixels
from deployments.runtime import DeviceUnavailable, Runtime
from registry.manifest import ModelVersion

CENTERFACE: Final = "centerface.onnx"
PREDICTOR: Final = "shape_predictor_68_face_landmarks.dat"
RESNET: Final = "dlib_face_recognition_resnet_model_v1.dat"

_CHIP_PADDING: Final = 0.25
# So many degrees farther a head may look aside by the finder's five points than by the trees' and these still stand. By
# SCRFD's the finder is right beyond that; of LFW's faces it concerns fewer than one in a hundred.
_AVERTED: Final = 15.0


class DlibDetector:
    """The faces that ``finder`` finds, with dlib's 68 points, and the five among them in place of the finder's own.

    Of a head in profile the finder's five stay, for by those among the 68 it would look ahead.
    """

    def __init__(self, finder: Detector, predictor: Predictor) -> None:
        self.max_side = finder.max_side
        self.sure = finder.sure
        self._finder = finder
        self._predictor = predictor

    def detect(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture."""
        return self._described(pictures, self._finder.detect(pictures))

    def look_again(self, pictures: Sequence[Pixels]) -> list[list[Detection]]:
        """The faces of each picture at another scale."""
        return self._described(pictures, self._finder.look_again(pictures))

    def _described(self, pictures: Sequence[Pixels], found: list[list[Detection]]) -> list[list[Detection]]:
        return [list(self._with_points(picture, faces)) for picture, faces in zip(pictures, found, strict=True)]

    def _with_points(self, picture: Pixels, faces: Sequence[Detection]) -> Iterator[Detection]:
        for face in filter(lambda face: alignable(face.landmarks), faces):
            dense = self._predictor(picture, face.landmarks)
            five = five_of(dense)
            # The trees know no profiles, and put the points of a head that looks ahead into one.
            averted = abs(pose.levelled(face.landmarks).yaw) > abs(pose.levelled(five).yaw) + _AVERTED
            yield replace(face, landmarks=face.landmarks if averted else five, dense=dense)


class DlibEmbedder:
    """The 128-d ResNet. Its author compares vectors by Euclidean distance (0.6); here they have length 1."""

    def __init__(self, resnet: Describe, space: str) -> None:
        self.space = space
        self._resnet = resnet

    def embed(self, faces: Sequence[Sighting]) -> FloatArray:
        """Vectors [N, 128] of length 1. Faces need their 68 points, by which dlib cuts its chips."""
        return normalise(self._resnet([_chip(face) for face in faces]))


def load(version: ModelVersion, runtime: Runtime) -> Backend:
    """Open the version's files.

    Raises :class:`DeviceUnavailable` when a GPU is asked for and this dlib was built without CUDA, ``KeyError`` when
    the version lacks a file and ``ValueError`` when it names no embedding space.
    """
    if runtime.device == "cuda" and not dlib.DLIB_USE_CUDA:
        raise DeviceUnavailable("this build of dlib has no CUDA; serve dlib on the CPU or take an ONNX face model")
    if version.manifest.embedding_space is None:
        raise ValueError(f"{version.ref} names no embedding_space")
    finder = CenterFace(open_network(version.path(CENTERFACE), runtime))
    return Backend(
        detector=DlibDetector(finder, Predictor(version.path(PREDICTOR))),
        embedder=DlibEmbedder(descriptor(version.path(RESNET), runtime), version.manifest.embedding_space),
    )


def _chip(face: Sighting) -> Pixels:
    dense = face.detection.dense
    if dense is None:
        raise ValueError("dlib's embedder needs the 68 points of a face")
    parts = [dlib.point(round(float(x)), round(float(y))) for x, y in dense]
    shape = dlib.full_object_detection(dlib.rectangle(), parts)
    return np.asarray(dlib.get_face_chip(face.pixels, shape, size=CHIP_SIZE, padding=_CHIP_PADDING), dtype=np.uint8)
