"""Painting by optimisation (Gatys, Ecker & Bethge 2016): slow, without a network, and what the fast ones approximate.

The pixels themselves descend the losses the networks are trained with; people get it as the "masterpiece" job.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from deployments.masterpiece.distances import grams
from deployments.masterpiece.encoder import Encoder
from deployments.masterpiece.objective import Objective
from deployments.masterpiece.optimisation import Optimisation
from training.style.data import load_picture


class Optimised:
    """A contender that knows every painting it is given, at ``side`` px (short side), and takes ``steps`` for each photo."""

    label = "optimised"

    def __init__(
        self,
        encoder: Encoder,
        paintings: Mapping[str, Path],
        side: int,
        steps: int,
        objective: Objective,
    ) -> None:
        self.styles = tuple(paintings)
        self._encoder, self._objective, self._steps = encoder, objective, steps
        self._made: dict[tuple[str, bytes], Tensor] = {}
        layers = objective.style_layers
        with torch.no_grad():
            self._targets = {
                name: grams(encoder(load_picture(path, side)[None], layers), layers) for name, path in paintings.items()
            }

    def paint(self, photo: Tensor, style: str, strength: float) -> Tensor:
        """Below full strength the photo shines through, pixel by pixel."""
        key = style, photo.numpy().tobytes()
        if key not in self._made:
            optimisation = Optimisation(photo, self._targets[style], self._encoder, self._objective)
            for _ in range(self._steps):
                optimisation.step()
            self._made[key] = optimisation.canvas
        return torch.lerp(photo, self._made[key], strength)
