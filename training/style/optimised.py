"""Painting by optimisation (Gatys, Ecker & Bethge 2016): slow, without a network, and what the fast ones approximate.

The pixels themselves descend the losses the networks are trained with; people get it as the "masterpiece" job.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from deployments.masterpiece.optimisation import Optimisation
from training.style.data import load_picture
from training.style.encoders import Encoder
from training.style.losses import grams
from training.style.recipes import RECIPES, Recipe


def optimise(photo: Tensor, target: Mapping[str, Tensor], encoder: Encoder, recipe: Recipe, steps: int) -> Tensor:
    """Begin with the photo [1,3,H,W] RGB 0..1 and descend with Adam; ``target`` are the painting's Gram matrices."""
    optimisation = Optimisation(photo, target, encoder, recipe)
    for _ in range(steps):
        optimisation.step()
    return optimisation.canvas


class Optimised:
    """A contender that knows every painting it is given, at ``side`` px (short side)."""

    label = "optimised"

    def __init__(self, encoder: Encoder, paintings: Mapping[str, Path], side: int, steps: int) -> None:
        self.styles = tuple(paintings)
        self._encoder, self._recipe, self._steps = encoder, RECIPES["deep"], steps
        self._made: dict[tuple[str, bytes], Tensor] = {}
        layers = self._recipe.style_layers
        with torch.no_grad():
            self._targets = {
                name: grams(encoder(load_picture(path, side)[None], layers), layers) for name, path in paintings.items()
            }

    def paint(self, photo: Tensor, style: str, strength: float) -> Tensor:
        """Below full strength the photo shines through, pixel by pixel."""
        key = style, photo.numpy().tobytes()
        if key not in self._made:
            self._made[key] = optimise(photo, self._targets[style], self._encoder, self._recipe, self._steps)
        return torch.lerp(photo, self._made[key], strength)
