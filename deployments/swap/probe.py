"""The swap a manifest's probe asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deployments.faces import pose
from deployments.faces.alignment import ARCFACE_SIZE, ARCFACE_TEMPLATE, arcface_transform, invert, transform_points
from deployments.faces.boxes import shorter_side
from deployments.faces.types import Face, Quality
from deployments.imaging import FloatArray, Photo
from deployments.imaging.probe import probe_photo
from deployments.swap.types import SourceFace, SwapQuery
from registry.manifest import ModelVersion


def probe_swap(probe: Mapping[str, Any], version: ModelVersion) -> SwapQuery:
    """One face on another: ``source`` on ``target``, files of the version, or made-up pictures where none is named.

    ``source_landmarks`` and ``target_landmarks`` are the faces' five points (x, y each; pixels, order of
    :class:`Face`), in the middle of the picture where left out. ``embedding`` is the identity to put in, in the
    version's embedding space. Raises ``ValueError`` for points or vectors of another shape, or a missing vector.
    """
    target = probe_photo(probe, version, "target")
    source = probe_photo(probe, version, "source")
    embedding: FloatArray | None = None
    if version.manifest.embedding_space is not None:
        embedding = np.asarray(probe.get("embedding", ()), np.float32)
        if embedding.ndim != 1 or not embedding.any():
            raise ValueError(
                f"its probe needs an embedding of {version.manifest.embedding_space}, whose face to put in"
            )
        embedding = embedding / np.float32(np.linalg.norm(embedding))
    # A made-up face is put in smaller than it is taken out: one face on itself is refused.
    giver = _face(probe.get("source_landmarks"), source, 0.4, embedding)
    taker = _face(probe.get("target_landmarks"), target, 0.6, None)
    return SwapQuery(target, (taker,), (SourceFace(source, giver, version.manifest.embedding_space),), ((0, 0),))


def _face(given: object, photo: Photo, share: float, embedding: FloatArray | None) -> Face:
    """A face of the five points ``given``, else one that takes up ``share`` of the picture and looks straight ahead."""
    if given is None:
        scale = share * min(photo.width, photo.height) / ARCFACE_SIZE
        middle = np.array([photo.width, photo.height], np.float32) / 2
        points = (ARCFACE_TEMPLATE - ARCFACE_TEMPLATE.mean(axis=0)) * scale + middle
    else:
        points = np.asarray(given, np.float32)
        if points.shape != (5, 2) or not np.isfinite(points).all():
            raise ValueError("the landmarks of its probe are not five points")
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32) * ARCFACE_SIZE
    around = transform_points(corners, invert(arcface_transform(points)))
    (x0, y0), (x1, y1) = around.min(axis=0), around.max(axis=0)
    box = (max(float(x0), 0.0), max(float(y0), 0.0), min(float(x1), photo.width), min(float(y1), photo.height))
    quality = Quality(size=shorter_side(box), blur=0.0, score=1.0)
    return Face(box, 1.0, points.astype(np.float32), None, pose.estimate(points), quality, embedding, None)
