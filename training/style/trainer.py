"""One training run: several styles, one network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from deployments.style.packs import IDENTITY
from training.style.checkpoint import (
    Weights,
    load_weights,
    optimiser_tensors,
    restore_optimiser,
    save_weights,
    write_atomically,
)
from training.style.data import PhotoCrops, load_picture
from training.style.encoders import Encoder
from training.style.growth import grow
from training.style.losses import Recipe, content_distance, grams, reconstruction, style_distance, total_variation
from training.style.network import Architecture, StyleNetwork, neutral_style

WEIGHTS, CHECKPOINT = "weights.safetensors", "checkpoint.safetensors"


@dataclass(frozen=True)
class Settings:
    """Everything besides data and encoder that a run's result depends on. Sides are in pixels.

    ``emphasis`` multiplies the recipe's style weight for the styles it names.
    """

    steps: int = 20_000
    batch: int = 4
    crop: int = 256
    painting_side: int = 384
    learning_rate: float = 1e-3
    warm_up: int = 100
    clip: float = 5.0
    average: float = 0.999
    seed: int = 1
    emphasis: Mapping[str, float] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=Recipe)
    architecture: Architecture = field(default_factory=Architecture)


@dataclass(frozen=True, slots=True)
class Losses:
    """One step's losses: ``total`` as minimised, the others as unweighted means over the samples they concern."""

    step: int
    total: float
    content: float
    style: float
    variation: float
    identity: float


class Trainer:
    """Trains with Adam and keeps an exponential moving average of the weights.

    ``paintings`` map style names to picture files. Raises ``NotAPicture`` for one that cannot be read.
    """

    def __init__(
        self,
        settings: Settings,
        paintings: Mapping[str, Path],
        photos: PhotoCrops,
        encoder: Encoder,
        folder: Path,
        device: torch.device | None = None,
    ) -> None:
        self.settings = settings
        self.names = (IDENTITY, *paintings)
        self.step = 0
        self._photos = photos
        self._folder = folder
        self._device = device or torch.device("cpu")
        self._encoder = encoder.to(self._device)
        torch.manual_seed(settings.seed)
        self._network = StyleNetwork(settings.architecture).to(self._device)
        neutral = neutral_style(settings.architecture).repeat(len(self.names), 1)
        self._styles = nn.Parameter(neutral.to(self._device))
        self._parameters = [*self._network.parameters(), self._styles]
        self._average = [parameter.detach().clone() for parameter in self._parameters]
        self._optimiser = torch.optim.Adam(self._parameters, lr=settings.learning_rate)
        layers = settings.recipe.style_layers
        with torch.no_grad():
            pictures = [load_picture(path, settings.painting_side) for path in paintings.values()]
            self._targets = [grams(self._encoder(p[None].to(self._device), layers), layers) for p in pictures]

    def start_from(self, path: Path) -> None:
        """Begin with another run's weights; styles it does not know begin neutral, new channels unheard.

        Raises ``ValueError`` where they are of a network that this one is no wider version of.
        """
        loaded = grow(load_weights(path), self._network)
        with torch.no_grad():
            for row, name in enumerate(self.names):
                if name in loaded.styles:
                    self._styles[row] = loaded.styles[name]
            for average, parameter in zip(self._average, self._parameters, strict=True):
                average.copy_(parameter)

    def resume(self) -> None:
        """Continue from the folder's checkpoint. Raises ``FileNotFoundError`` where there is none."""
        tensors = load_file(self._folder / CHECKPOINT)
        with torch.no_grad():
            for index, parameter in enumerate(self._parameters):
                parameter.copy_(tensors[f"parameter.{index}"])
                self._average[index].copy_(tensors[f"average.{index}"])
        restore_optimiser(self._optimiser, tensors)
        self.step = int(tensors["position"])

    def save(self) -> None:
        """Write the checkpoint, and the averaged weights beside it."""
        tensors: dict[str, Tensor] = {f"parameter.{index}": tensor for index, tensor in enumerate(self._parameters)}
        tensors |= {f"average.{index}": tensor for index, tensor in enumerate(self._average)}
        tensors |= optimiser_tensors(self._optimiser) | {"position": torch.tensor(self.step)}
        write_atomically(self._folder / CHECKPOINT, tensors, {})
        save_weights(self._folder / WEIGHTS, self.averaged())

    def averaged(self) -> Weights:
        """The moving average, which paints more calmly than the last step's weights. On the CPU."""
        network = StyleNetwork(self.settings.architecture).eval()
        *convolutions, styles = (tensor.cpu() for tensor in self._average)
        with torch.no_grad():
            for parameter, average in zip(network.parameters(), convolutions, strict=True):
                parameter.copy_(average)
        return Weights(network, dict(zip(self.names, styles.clone(), strict=True)))

    def train(self) -> Iterator[Losses]:
        """Take the remaining steps, one each time a value is asked for."""
        while self.step < self.settings.steps:
            yield self._take_step()

    def _learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to one per cent."""
        s = self.settings
        if self.step < s.warm_up:
            return s.learning_rate * (self.step + 1) / s.warm_up
        progress = (self.step - s.warm_up) / max(1, s.steps - s.warm_up)
        return s.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))

    def _deal(self) -> list[int]:
        """The styles of this step, dealt from a deck that holds every painting twice and the identity once."""
        deck = [0, *(2 * list(range(1, len(self.names))))]
        dealt = []
        for position in range(self.step * self.settings.batch, (self.step + 1) * self.settings.batch):
            shuffle, card = divmod(position, len(deck))
            dealt.append(deck[np.random.default_rng((self.settings.seed, 1, shuffle)).permutation(len(deck))[card]])
        return dealt

    def _take_step(self) -> Losses:
        s, recipe = self.settings, self.settings.recipe
        photo = self._photos.batch(self.step, s.batch).to(self._device)
        chosen = self._deal()
        painting = self._network(photo, self._styles[chosen])
        painted = [row for row, style in enumerate(chosen) if style > 0]
        same = [row for row, style in enumerate(chosen) if style == 0]
        content = style = stressed = variation = identity = painting.new_zeros(())
        if same:
            identity = reconstruction(painting[same], photo[same]).sum()
        if painted:
            made = self._encoder(painting[painted], recipe.layers)
            with torch.no_grad():
                wanted = self._encoder(photo[painted], recipe.content_layers)
            targets = [self._targets[chosen[row] - 1] for row in painted]
            target = {layer: torch.cat([one[layer] for one in targets]) for layer in recipe.style_layers}
            content = content_distance(made, wanted, recipe.content_layers).sum()
            distances = style_distance(made, target, recipe.style_layers)
            style = distances.sum()
            emphasis = distances.new_tensor([s.emphasis.get(self.names[chosen[row]], 1.0) for row in painted])
            stressed = (emphasis * distances).sum()
            variation = total_variation(painting[painted]).sum()
        total = recipe.content * content + recipe.style * stressed + recipe.variation * variation
        total = (total + recipe.identity * identity) / s.batch
        self._descend(total)
        per_painting, per_copy = max(1, len(painted)), max(1, len(same))
        return Losses(
            self.step,
            total.item(),
            content.item() / per_painting,
            style.item() / per_painting,
            variation.item() / per_painting,
            identity.item() / per_copy,
        )

    def _descend(self, total: torch.Tensor) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        nn.utils.clip_grad_norm_(self._parameters, self.settings.clip)
        self._optimiser.step()
        self.step += 1
        # The average warms up too: early on it would otherwise remember the random start.
        decay = min(self.settings.average, self.step / (self.step + 10))
        with torch.no_grad():
            for average, parameter in zip(self._average, self._parameters, strict=True):
                average.lerp_(parameter, 1 - decay)
