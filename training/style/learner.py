"""Learning one more style for a network that stays as it is (Dumoulin, Shlens & Kudlur 2017, section 3.3).

Only the style's own vector moves, so that whatever the network painted before it paints to the last bit afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from deployments.masterpiece.distances import Features, content_distance, grams, style_distance, total_variation
from deployments.masterpiece.encoder import Encoder
from deployments.style.packs import IDENTITY
from training.style.data import PhotoCrops
from training.style.lesson import Lesson
from training.style.losses import lattice
from training.style.network import StyleNetwork, neutral_style

# As many crops tell the styles apart when the one to begin with is chosen.
TRIALS = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """One step's unweighted losses."""

    step: int
    content: float
    style: float


class StyleLearner:
    """Fits a vector to ``painting`` [3,H,W]; ``known`` are the styles the network has already.

    The photographs' features are computed once, the first time each is met.
    """

    def __init__(
        self,
        network: StyleNetwork,
        known: Mapping[str, Tensor],
        painting: Tensor,
        photos: PhotoCrops,
        encoder: Encoder,
        lesson: Lesson,
    ) -> None:
        self._network = network.eval().requires_grad_(False)
        self._photos = photos
        self._encoder = encoder
        self._lesson = lesson
        self._wanted: dict[int, Features] = {}
        with torch.no_grad():
            self._target = grams(encoder(painting[None], lesson.recipe.style_layers), lesson.recipe.style_layers)
        self.began_as = self._nearest(known)
        start = known[self.began_as] if self.began_as else neutral_style(network.architecture)
        self.vector = start.clone()

    @torch.no_grad()
    def _nearest(self, known: Mapping[str, Tensor]) -> str | None:
        """The style whose paintings come closest to the new one already."""
        layers = self._lesson.recipe.style_layers
        photos = torch.cat([self._photo(index) for index in range(min(TRIALS, self._lesson.crops))])
        distances = {
            name: style_distance(
                self._encoder(self._network(photos, vector.expand(len(photos), -1)), layers),
                {layer: target.expand(len(photos), -1, -1) for layer, target in self._target.items()},
                layers,
            )
            .mean()
            .item()
            for name, vector in known.items()
            if name != IDENTITY
        }
        return min(distances, key=lambda name: distances[name]) if distances else None

    def learn(self) -> Iterator[Progress]:
        """Take the lesson's steps, one each time a value is asked for; ``vector`` is their moving average."""
        lesson, recipe = self._lesson, self._lesson.recipe
        moving = self.vector.clone().requires_grad_()
        optimiser = torch.optim.Adam([moving], lr=lesson.learning_rate)
        for step in range(lesson.steps):
            optimiser.param_groups[0]["lr"] = lesson.learning_rate * 0.5 * (1 + math.cos(math.pi * step / lesson.steps))
            index = step % lesson.crops
            painting = self._network(self._photo(index), moving[None])
            made = self._encoder(painting, recipe.layers)
            content = content_distance(made, self._photo_features(index), recipe.content_layers).sum()
            style = style_distance(made, self._target, recipe.style_layers).sum()
            loss = recipe.content * content + recipe.style * style
            loss = loss + recipe.variation * total_variation(painting).sum() + recipe.lattice * lattice(painting).sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            optimiser.step()
            self.vector.lerp_(moving.detach(), 1 - min(lesson.average, (step + 1) / (step + 10)))
            yield Progress(step + 1, content.item(), style.item())

    def _photo(self, index: int) -> Tensor:
        return self._photos.batch(index, 1)

    @torch.no_grad()
    def _photo_features(self, index: int) -> Features:
        if index not in self._wanted:
            self._wanted[index] = self._encoder(self._photo(index), self._lesson.recipe.content_layers)
        return self._wanted[index]
