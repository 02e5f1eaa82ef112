"""Painting by optimisation (Gatys, Ecker & Bethge 2016): the pixels themselves descend the losses.

Slow, without a network, and what the fast networks approximate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor

from deployments.masterpiece.distances import content_distance, style_distance, total_variation
from deployments.masterpiece.encoder import Encoder
from deployments.masterpiece.objective import Objective
from deployments.masterpiece.query import Half, Sketch

LEARNING_RATE = 0.03
_BETAS: Final = (0.9, 0.999)
_EPSILON: Final = 1e-8


class Optimisation:
    """Descends from the photo [1,3,H,W] RGB 0..1, or from where ``sketch`` left off, with Adam.

    ``target`` are the painting's Gram matrices [1,C,C] by layer.
    """

    def __init__(
        self,
        photo: Tensor,
        target: Mapping[str, Tensor],
        encoder: Encoder,
        objective: Objective,
        sketch: Sketch | None = None,
    ) -> None:
        self._target, self._encoder, self._objective = target, encoder, objective
        with torch.no_grad():
            self._wanted = encoder(photo, objective.content_layers)
        self.steps = 0
        self._canvas = photo.clone()
        self._momentum, self._square = torch.zeros_like(photo), torch.zeros_like(photo)
        if sketch is not None:
            self.steps = sketch.steps
            self._canvas = _full(sketch.canvas, photo)
            self._momentum = _full(sketch.momentum, photo) * sketch.momentum_scale
            self._square = (_full(sketch.spread, photo) * sketch.spread_scale).square()

    @property
    def canvas(self) -> Tensor:
        """The picture so far, [1,3,H,W]."""
        return self._canvas.detach()

    def step(self) -> None:
        """Move every pixel once. Raises ``ValueError`` where the losses lead nowhere."""
        objective = self._objective
        with torch.enable_grad():
            canvas = self._canvas.requires_grad_()
            made = self._encoder(canvas, objective.layers)
            loss = objective.content * content_distance(made, self._wanted, objective.content_layers).sum()
            loss = loss + objective.style * style_distance(made, self._target, objective.style_layers).sum()
            loss = loss + objective.variation * total_variation(canvas).sum()
            (gradient,) = torch.autograd.grad(loss, canvas)
        # Whatever is no number, or infinite, makes the sum so too: one pass instead of several.
        if not gradient.sum().isfinite():
            raise ValueError("the losses by this network are no numbers")
        self.steps += 1
        # Not torch.optim: a replica would take the compiler that comes with it into memory, 150 MB, at its first picture.
        with torch.no_grad():
            self._momentum.lerp_(gradient, 1 - _BETAS[0])
            self._square.lerp_(gradient.square(), 1 - _BETAS[1])
            mean = self._momentum / (1 - _BETAS[0] ** self.steps)
            deviation = (self._square / (1 - _BETAS[1] ** self.steps)).sqrt()
            self._canvas = (canvas.detach() - LEARNING_RATE * mean / (deviation + _EPSILON)).clamp_(0, 1)

    def sketch(self) -> Sketch:
        """Where the work stands, to go on from later."""
        spread = self._square.sqrt()
        momentum_scale, spread_scale = (max(float(x.abs().max()), 1e-12) for x in (self._momentum, spread))
        return Sketch(
            _half(self.canvas),
            _half(self._momentum / momentum_scale),
            _half(spread / spread_scale),
            momentum_scale,
            spread_scale,
            self.steps,
        )


def _half(x: Tensor) -> Half:
    return np.asarray(x[0].cpu().numpy(), np.float16)


def _full(x: Half, like: Tensor) -> Tensor:
    """A copy: what comes from another process must not be written to."""
    return torch.from_numpy(np.asarray(x, np.float32).copy())[None].to(like.device)
