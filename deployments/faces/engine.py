"""Every face of a photo: where it is, which way it looks, how good it is, and a vector to compare it by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from deployments.faces import pose, quality
from deployments.faces.age import OnnxAge
from deployments.faces.alignment import ARCFACE_SIZE, ARCFACE_TEMPLATE, alignable, norm_crop, scale_points
from deployments.faces.backend import Backend, Detection, Sighting, require_numbers
from deployments.faces.boxes import clip, rescale
from deployments.faces.closer import look_closer
from deployments.faces.dense import OnnxLandmarks
from deployments.faces.search import Finding, find_faces
from deployments.faces.types import Face, FaceQuery, FaceSet
from deployments.imaging import FloatArray, Pixels
from deployments.runtime import Runtime, onnx_session
from registry.manifest import ModelVersion

T = TypeVar("T", bound=FloatArray | float)

# How much larger than a detector looks at it a photo is decoded where every face is asked for.
_CLOSER: Final = 2


@dataclass(frozen=True, slots=True)
class _Found:
    """A face between detector and answer.

    It belongs to the query at ``index`` and is seen in the reduced picture; the factors ``scale`` (x, y) take it to
    the photo. One that is ``beside`` the others was found for a query for every face only.
    """

    index: int
    sighting: Sighting
    scale: tuple[float, float]
    beside: bool


class FaceEngine:
    """Finds, describes and embeds faces with the models of one backend.

    A batch is detected together, and the crops of all its photos go through each further model together. Photos are
    decoded no larger than the detector can make use of; answers are in pixels of the photo all the same.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend: Backend | None = backend

    @property
    def space(self) -> str | None:
        """The embedding space of this engine's vectors; None when it has no embedder."""
        embedder = self._models.embedder
        return None if embedder is None else embedder.space

    def warm_up(self) -> None:
        """Look for faces in a grey picture and send a made-up one through the other models."""
        models = self._models
        grey = np.full((160, 160, 3), 127, dtype=np.uint8)
        models.detector.detect([grey])
        turns = np.linspace(0, 2 * np.pi, 68, endpoint=False)
        ring = (80 + 40 * np.stack([np.cos(turns), np.sin(turns)], axis=1)).astype(np.float32)
        face = Detection((24, 24, 136, 136), 1.0, ARCFACE_TEMPLATE + 24, ring)
        sighting = Sighting(grey, face, grey[:ARCFACE_SIZE, :ARCFACE_SIZE])
        self._asked([_Found(0, sighting, (1.0, 1.0), beside=False)], embed=[True], dense=[True])

    def run(self, batch: Sequence[FaceQuery]) -> list[FaceSet]:
        """The faces of each photo, left to right. A photo without a face gives an empty set.

        Embeddings are None, and so is the set's ``space``, where the query or the backend goes without. Raises
        ``ValueError`` when a model answers with values that are no numbers.
        """
        models = self._models
        side = models.detector.max_side
        pictures = [query.photo.pixels(side) for query in batch]
        every = {index for index, query in enumerate(batch) if query.every}
        findings = find_faces(models.detector, pictures, every)
        for index in every:
            photo = batch[index].photo
            if max(photo.width, photo.height) > side:
                closer = photo.pixels(_CLOSER * side)
                findings[index] = look_closer(models.detector, findings[index], pictures[index], closer)
        found = list(_sightings(batch, pictures, findings))
        answers: list[list[tuple[bool, Face]]] = [[] for _ in batch]
        asked = self._asked(
            found, [batch[face.index].embed for face in found], [batch[face.index].dense for face in found]
        )
        for face, vector, points, age in asked:
            query = batch[face.index]
            answers[face.index].append((face.beside, _describe(face, query, vector, points, age)))
        return [
            FaceSet(tuple(face for _, face in sorted(faces, key=_place)), self.space if query.embed else None)
            for query, faces in zip(batch, answers, strict=True)
        ]

    def close(self) -> None:
        """Let go of the models. The engine is not used afterwards."""
        self._backend = None

    def _asked(
        self, found: Sequence[_Found], embed: Sequence[bool], dense: Sequence[bool]
    ) -> Iterator[tuple[_Found, FloatArray | None, FloatArray | None, float | None]]:
        """Each face with its vector and its 68 points, where wanted, and its age: what the further models say of it."""
        models = self._models
        find = None if models.embedder is None else models.embedder.embed
        locate = None if models.landmarks is None else models.landmarks.locate
        guess = None if models.ages is None else models.ages.estimate
        vectors = _ask("embedder", find, found, embed)
        points = _ask("landmark model", locate, found, dense)
        ages = _ask("age model", guess, found, [True for _ in found])
        return zip(found, vectors, points, ages, strict=True)

    @property
    def _models(self) -> Backend:
        if self._backend is None:
            raise RuntimeError("the face engine is closed")
        return self._backend


def build(version: ModelVersion, runtime: Runtime, extras: Sequence[ModelVersion] = ()) -> FaceEngine:
    """The engine for a model version, its backend chosen by the manifest.

    ``extras`` may bring an age model (task ``face-age``) and a model for 68 points (task ``face-landmarks``); they
    take the place of the backend's own. Raises ``ValueError`` for a backend or an extra that is not known, and whatever
    the backend's ``load`` raises.
    """
    backend = _load(version, runtime)
    for extra in extras:
        task = extra.manifest.task
        if task == "face-age":
            backend = replace(backend, ages=OnnxAge(onnx_session(extra.only(".onnx"), runtime)))
        elif task == "face-landmarks":
            backend = replace(backend, landmarks=OnnxLandmarks(onnx_session(extra.only(".onnx"), runtime)))
        else:
            raise ValueError(f"{extra.ref} is for {task}, which a face engine cannot add")
    return FaceEngine(backend)


def _load(version: ModelVersion, runtime: Runtime) -> Backend:
    # Imported here, so that a backend's libraries are needed only where it is used.
    match version.manifest.backend:
        case "dlib":
            from deployments.faces.dlib import backend as dlib

            return dlib.load(version, runtime)
        case "insightface":
            from deployments.faces import insightface

            return insightface.load(version, runtime)
        case "opencv-zoo":
            from deployments.faces import opencv_zoo

            return opencv_zoo.load(version, runtime)
        case other:
            raise ValueError(f"{version.ref} asks for the face backend {other!r}; known: dlib, insightface, opencv-zoo")


def _sightings(batch: Sequence[FaceQuery], pictures: Sequence[Pixels], findings: Sequence[Finding]) -> Iterator[_Found]:
    for index, (query, picture, finding) in enumerate(zip(batch, pictures, findings, strict=True)):
        height, width = picture.shape[:2]
        scale = (query.photo.width / width, query.photo.height / height)
        for beside, faces in enumerate(finding):
            for face in faces:
                x0, y0, x1, y1 = clip(face.box, width, height)
                if x1 > x0 and y1 > y0 and alignable(face.landmarks):
                    aligned = norm_crop(picture, face.landmarks)
                    yield _Found(index, Sighting(picture, face, aligned), scale, bool(beside))


def _ask(
    name: str,
    model: Callable[[Sequence[Sighting]], Iterable[T]] | None,
    found: Sequence[_Found],
    wanted: Sequence[bool],
) -> list[T | None]:
    """One run of a model over the faces for which its answer is wanted; None for the others and without a model."""
    chosen = [face.sighting for face, wants in zip(found, wanted, strict=True) if wants]
    given = tuple(model(chosen)) if model is not None and chosen else ()
    require_numbers(name, *given)
    answers = iter(given)
    return [next(answers, None) if wants else None for wants in wanted]


def _describe(
    face: _Found, query: FaceQuery, vector: FloatArray | None, points: FloatArray | None, age: float | None
) -> Face:
    placed = rescale(face.sighting.detection, *face.scale)
    box = clip(placed.box, query.photo.width, query.photo.height)
    direction = pose.estimate(placed.landmarks)
    if points is not None:
        points = scale_points(points, face.scale)
    return Face(
        box=box,
        score=placed.score,
        landmarks=placed.landmarks,
        dense=(placed.dense if points is None else points) if query.dense else None,
        pose=direction,
        quality=quality.measure(face.sighting.aligned, box, direction, placed.score),
        embedding=vector,
        age=age,
    )


def _place(answer: tuple[bool, Face]) -> tuple[bool, float, float]:
    beside, face = answer
    x0, y0, x1, y1 = face.box
    return beside, (x0 + x1) / 2, (y0 + y1) / 2
