"""Sharpening faces after a swap with a restoration network (GFPGAN, CodeFormer and their like)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from deployments.compositing.masks import Mask, feather, hull
from deployments.compositing.patches import Patch
from deployments.faces import landmarks
from deployments.faces.alignment import transform_points, umeyama, warp
from deployments.faces.types import Face
from deployments.imaging import FloatArray, Pixels
from deployments.runtime import Runtime, onnx_session
from deployments.swap.paste import from_crop
from registry.manifest import ModelVersion

SIZE: Final = 512
# Where FFHQ-aligned networks expect the five points in a 512 px crop.
TEMPLATE: Final[FloatArray] = np.array(
    [[192.98, 239.95], [318.90, 240.19], [256.63, 314.02], [201.26, 371.41], [313.09, 371.15]], dtype=np.float32
)
_FIDELITY: Final = 0.7
# The width of the mask's border, as a share of the crop.
_FADE: Final = 0.06


@dataclass(frozen=True, slots=True)
class Damaged:
    """A face to restore: ``face`` in pixels of ``pixels``."""

    pixels: Pixels = field(repr=False)
    face: Face


class Restorer:
    """One network [N, 3, 512, 512] -> same, RGB -1..1, NCHW.

    A second input, where there is one, says how true to the crop the result is to stay (CodeFormer's ``w``).
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        """Open the version's one ONNX file; ``input: {blend: 0.8}`` says how much of the restored face shows.

        Raises ``ValueError`` when the blend is not in 0..1 or the network's shape is another.
        """
        file = version.only(".onnx")
        self._session = onnx_session(file, runtime)
        inputs = self._session.get_inputs()
        if inputs[0].shape[1:] != [3, SIZE, SIZE]:
            raise ValueError(f"{version.ref}: {file.name} does not take 512 px crops")
        self._name = inputs[0].name
        self._fidelity: dict[str, npt.NDArray[np.floating]] = {
            extra.name: np.array(_FIDELITY, dtype=np.float64 if extra.type == "tensor(double)" else np.float32)
            for extra in inputs[1:]
        }
        self._one_by_one = isinstance(inputs[0].shape[0], int)
        self._blend = float(version.manifest.input.get("blend", 0.8))
        if not 0 <= self._blend <= 1:
            raise ValueError(f"{version.ref}: input.blend has to be in 0..1")

    def restore(self, faces: Sequence[Damaged]) -> list[Patch]:
        """A patch for each face, already weighted with the blend. Raises ``ValueError`` for values that are no numbers."""
        if not faces:
            return []
        matrices = [umeyama(damaged.face.landmarks, TEMPLATE) for damaged in faces]
        crops = [warp(damaged.pixels, matrix, SIZE) for damaged, matrix in zip(faces, matrices, strict=True)]
        return [
            from_crop(restored, matrix, self._mask(damaged.face, matrix), damaged.pixels.shape)
            for restored, matrix, damaged in zip(self._infer(np.stack(crops)), matrices, faces, strict=True)
        ]

    def warm_up(self) -> None:
        self._infer(np.zeros((1, SIZE, SIZE, 3), dtype=np.uint8))

    def close(self) -> None:
        del self._session

    def _mask(self, face: Face, matrix: FloatArray) -> Mask:
        """The face alone: these networks redraw hair and background as well, which nobody asked for."""
        outline = transform_points(landmarks.with_forehead(landmarks.dense_points(face)), matrix)
        return np.asarray(feather(hull((SIZE, SIZE), outline), _FADE * SIZE) * self._blend, dtype=np.float32)

    def _infer(self, crops: Pixels) -> FloatArray:
        blob = crops.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
        batches = np.split(blob, len(blob)) if self._one_by_one else [blob]
        out = np.concatenate([self._session.run(None, {self._name: batch, **self._fidelity})[0] for batch in batches])
        if not np.isfinite(out).all():
            raise ValueError("the network restores faces to values that are no numbers")
        pixels = np.clip((out + 1) * 127.5, 0, 255).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(pixels, dtype=np.float32)
