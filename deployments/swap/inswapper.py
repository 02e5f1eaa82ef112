"""InsightFace's inswapper: a network that redraws an aligned face with another identity.

Its input is the target's 128 px crop (RGB 0..1, NCHW) and the source's ArcFace embedding, projected by a matrix that
the model file carries ("emap") and normalised; its output is the crop with the new face, RGB 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from deployments.compositing.masks import Mask, feather, soften
from deployments.compositing.patches import Patch
from deployments.errors import Unavailable
from deployments.faces.alignment import ARCFACE_TEMPLATE, umeyama, warp
from deployments.imaging import FloatArray, Pixels
from deployments.runtime import Runtime, onnx_session
from deployments.swap.backend import Job, Obstacle
from deployments.swap.initializer import last_initializer
from deployments.swap.paste import from_crop
from registry.manifest import ModelVersion

SIZE: Final = 128
# InsightFace centres the 112 px template in the 128 px crop across, but not down.
TEMPLATE: Final[FloatArray] = ARCFACE_TEMPLATE + np.array([8, 0], dtype=np.float32)

# Of the crop's side: a border where the network's picture and the photo need not agree, and the fade inside it.
_BORDER: Final = 0.05
_FADE: Final = 0.10
# How far the colours of the crop's rim may be moved to meet the photo's, in 0..255.
_MOST_SHIFT: Final = 24.0


class InSwapper:
    """The ``inswapper`` backend. Crops of many requests go through the network together.

    The model as InsightFace published it has a fixed batch of one; it is then run once per crop. One exported with a
    dynamic batch takes all crops in one run.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        """Open the version's one ONNX file.

        Raises ``ValueError`` when the network does not have inswapper's signature.
        """
        file = version.only(".onnx")
        self._space = version.manifest.embedding_space
        self._session = onnx_session(file, runtime)
        self._emap = last_initializer(file)
        inputs = self._session.get_inputs()
        if len(inputs) != 2 or len(inputs[0].shape) != 4 or inputs[0].shape[1:] != [3, SIZE, SIZE]:
            raise ValueError(f"{version.ref}: {file.name} does not take a 128 px crop and an identity")
        if self._emap.ndim != 2 or self._emap.shape[1] != inputs[1].shape[1]:
            raise ValueError(f"{version.ref}: the last initializer of {file.name} is no identity projection")
        self._target, self._source = inputs[0].name, inputs[1].name
        fixed = inputs[0].shape[0]
        self._batch: int | None = fixed if isinstance(fixed, int) else None

    def obstacle(self, job: Job) -> Obstacle | None:
        """None: the network redraws any pose that :mod:`deployments.swap.suitability` lets through."""
        return None

    def swap(self, jobs: Sequence[Job]) -> list[Patch]:
        if not jobs:
            return []
        matrices = [umeyama(job.target_face.landmarks, TEMPLATE) for job in jobs]
        crops = np.stack([warp(job.target, matrix, SIZE) for job, matrix in zip(jobs, matrices, strict=True)])
        swapped = self._infer(crops, np.stack([self._latent(job) for job in jobs]))
        mask = crop_mask()
        return [
            from_crop(match_rim(fake, crop), matrix, mask, job.target.shape)
            for fake, crop, matrix, job in zip(swapped, crops, matrices, jobs, strict=True)
        ]

    def warm_up(self) -> None:
        crop = np.zeros((1, SIZE, SIZE, 3), dtype=np.uint8)
        self._infer(crop, np.zeros((1, self._emap.shape[1]), dtype=np.float32))

    def close(self) -> None:
        del self._session

    def _latent(self, job: Job) -> FloatArray:
        embedding = job.source.face.embedding
        if embedding is None or embedding.shape != self._emap.shape[:1] or job.source.space != self._space:
            raise Unavailable(
                "Swaps are switched off: the swap model and the face model do not fit together.", retry_after=60
            )
        latent = embedding / max(float(np.linalg.norm(embedding)), 1e-12) @ self._emap
        return np.asarray(latent / max(float(np.linalg.norm(latent)), 1e-12), dtype=np.float32)

    def _infer(self, crops: Pixels, latents: FloatArray) -> FloatArray:
        """New faces [N, 128, 128, 3], RGB 0..255 float32."""
        blob = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), dtype=np.float32) / 255
        step = self._batch or len(blob)
        parts = []
        for start in range(0, len(blob), step):
            part, latent = blob[start : start + step], latents[start : start + step]
            missing = step - len(part)
            if missing:
                part = np.pad(part, ((0, missing), (0, 0), (0, 0), (0, 0)))
                latent = np.pad(latent, ((0, missing), (0, 0)))
            (out,) = self._session.run(None, {self._target: part, self._source: latent})
            parts.append(out[: step - missing])
        faces = np.concatenate(parts).transpose(0, 2, 3, 1)
        if not np.isfinite(faces).all():
            raise ValueError("the network draws values that are no numbers")
        return np.ascontiguousarray(np.clip(faces * 255, 0, 255), dtype=np.float32)


def crop_mask(size: int = SIZE) -> Mask:
    """1 in the middle of an aligned crop, fading to 0 before its border; [size, size]."""
    mask = np.zeros((size, size), dtype=np.float32)
    border = round(_BORDER * size)
    mask[border : size - border, border : size - border] = 1
    return soften(feather(mask, _FADE * size), 0.01 * size)


def match_rim(fake: FloatArray, crop: Pixels) -> FloatArray:
    """Shift the colours of a redrawn crop so that its rim, where nothing was to change, has the photo's colours.

    Networks return crops a shade off; next to untouched skin that is a visible edge. Both are RGB 0..255.
    """
    mask = crop_mask(crop.shape[0])
    rim = (mask > 0.02) & (mask < 0.9)
    shift = np.median(crop[rim].astype(np.float32) - fake[rim], axis=0)
    return np.asarray(np.clip(fake + np.clip(shift, -_MOST_SHIFT, _MOST_SHIFT), 0, 255), dtype=np.float32)
