"""Paints one photo like one picture by optimisation, a few steps a call.

Needs torch and a loss network (VGG-19), neither of which comes with the studio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from deployments.imaging import Photo, Pixels
from deployments.masterpiece.distances import grams
from deployments.masterpiece.encoder import read_vgg19
from deployments.masterpiece.objective import Objective
from deployments.masterpiece.optimisation import Optimisation
from deployments.masterpiece.query import STEPS, STEPS_A_CALL, WORKING_PIXELS, MasterpieceQuery, Sketch
from deployments.runtime import Runtime
from deployments.style.colour import keep_photo_colours, mix
from deployments.torch_runtime import torch_device
from registry.manifest import ModelVersion

WEIGHTS = "encoder.safetensors"


class MasterpieceEngine:
    """Answers with a :class:`Sketch` to go on from while there is work left, and with the picture when there is none.

    The picture has exactly the photo's size. Raises ``ValueError`` on construction for a model that is no VGG-19 with
    the layers needed, and :class:`deployments.runtime.DeviceUnavailable` for a GPU that torch does not see.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        self._objective = Objective()
        self._device = torch_device(runtime)
        self._encoder = read_vgg19(version.path(WEIGHTS)).to(self._device)
        self._encoder(torch.zeros(1, 3, 32, 32, device=self._device), self._objective.layers)

    def warm_up(self) -> None:
        """One step on grey, of a side at which every layer works as it will on photos."""
        grey = torch.full((1, 3, 128, 128), 0.5, device=self._device)
        Optimisation(grey, self._target(grey), self._encoder, self._objective).step()

    def run(self, batch: Sequence[MasterpieceQuery]) -> list[Sketch | Pixels]:
        """Take each query a few steps further. Raises ``ValueError`` when the losses are no numbers."""
        return [self._advance(query) for query in batch]

    def close(self) -> None:
        """Let go of the network."""
        del self._encoder

    def _advance(self, query: MasterpieceQuery) -> Sketch | Pixels:
        if query.strength == 0:
            return query.photo.pixels()
        photo = self._tensor(_fitted(query.photo))
        target = self._target(self._tensor(_fitted(query.style_image)))
        optimisation = Optimisation(photo, target, self._encoder, self._objective, query.sketch)
        for _ in range(min(STEPS_A_CALL, STEPS - optimisation.steps)):
            optimisation.step()
        if optimisation.steps < STEPS:
            return optimisation.sketch()
        return _finish(_pixels(optimisation.canvas), query)

    @torch.no_grad()
    def _target(self, picture: Tensor) -> dict[str, Tensor]:
        return grams(self._encoder(picture, self._objective.style_layers), self._objective.style_layers)

    def _tensor(self, pixels: Pixels) -> Tensor:
        """[H,W,3] 0..255 -> [1,3,H,W] 0..1."""
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        return torch.from_numpy(planes)[None].to(self._device).float() / 255


def _fitted(photo: Photo) -> Pixels:
    """The picture at the size that is worked at, at least 32 px a side."""
    scale = min(1.0, math.sqrt(WORKING_PIXELS / (photo.width * photo.height)))
    width, height = (max(32, round(side * scale)) for side in (photo.width, photo.height))
    pixels = photo.pixels(max(width, height))
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _finish(painting: Pixels, query: MasterpieceQuery) -> Pixels:
    """Bring a painting to the photo's size, colours and strength."""
    photo = query.photo
    painting = np.asarray(cv2.resize(painting, (photo.width, photo.height), interpolation=cv2.INTER_CUBIC), np.uint8)
    if query.preserve_color:
        painting = keep_photo_colours(painting, photo.pixels())
    return mix(painting, photo.pixels(), query.strength) if query.strength < 1 else painting


def _pixels(canvas: Tensor) -> Pixels:
    """[1,3,H,W] 0..1 -> [H,W,3] 0..255."""
    return np.ascontiguousarray((canvas[0].permute(1, 2, 0).cpu().numpy() * 255 + 0.5).astype(np.uint8))
