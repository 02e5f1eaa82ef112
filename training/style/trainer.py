"""One training run: several styles, one network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
import torch.distributed
from torch import Tensor, nn

from deployments.masterpiece.distances import content_distance, grams, style_distance, total_variation
from deployments.masterpiece.encoder import Encoder
from deployments.style.packs import IDENTITY
from training.style.checkpoint import Weights, load_weights, save_weights
from training.style.data import PhotoCrops, load_picture
from training.style.descent import Descent
from training.style.losses import imitation, lattice, reconstruction
from training.style.network import Architecture, StyleNetwork, neutral_style
from training.style.recipes import RECIPES, Recipe
from training.style.resizing import resize

WEIGHTS, CHECKPOINT = "weights.safetensors", "checkpoint.safetensors"
# How often a style is painted for every turn of the identity.
TURNS = 2


@dataclass(frozen=True)
class Settings:
    """Everything besides data and encoder that a run's result depends on. Sides are in pixels.

    ``emphasis`` multiplies the recipe's style weight for the styles it names, and ``turns`` says how often one is
    painted for every turn of the identity where it is not :data:`TURNS`.
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
    turns: Mapping[str, int] = field(default_factory=dict)
    recipe: Recipe = field(default_factory=Recipe)
    architecture: Architecture = field(default_factory=Architecture)


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of every batch this process works on: the ``rank``-th of ``workers``."""

    rank: int = 0
    workers: int = 1

    def of(self, size: int) -> range:
        """The places in a batch of ``size``."""
        return range(self.rank, size, self.workers)


@dataclass(frozen=True, slots=True)
class Validation:
    """Unweighted means over held-out photographs and all styles; ``total`` is weighted as in training."""

    step: int
    total: float
    content: float
    style: float
    identity: float


@dataclass(frozen=True, slots=True)
class Losses:
    """One step's losses: ``total`` as minimised, the others as unweighted means over the samples they concern.

    None where they concern no sample of the step: the identity has no style, and a painting none of the identity's.
    """

    step: int
    total: float
    content: float | None
    style: float | None
    variation: float | None
    identity: float | None
    imitation: float | None
    lattice: float | None


ALONE = Share()


class Trainer:
    """Trains with Adam and keeps an exponential moving average of the weights.

    ``paintings`` map style names to picture files. Several processes of one ``torch.distributed`` group each take their
    ``share`` of every batch and come to what one alone would, rounding apart. Raises ``ValueError`` for a style named
    like the identity, and ``NotAPicture`` for a painting that cannot be read.
    """

    def __init__(
        self,
        settings: Settings,
        paintings: Mapping[str, Path],
        photos: PhotoCrops,
        encoder: Encoder,
        folder: Path,
        device: torch.device | None = None,
        share: Share = ALONE,
    ) -> None:
        if IDENTITY in paintings:
            raise ValueError(f"{IDENTITY!r} is what a network calls the photo itself; give the style another name")
        self.settings = settings
        self._share = share
        self.names = (IDENTITY, *paintings)
        self._photos = photos
        self._folder = folder
        self._device = device or torch.device("cpu")
        self._encoder = encoder.to(self._device)
        torch.manual_seed(settings.seed)
        self._network = StyleNetwork(settings.architecture).to(self._device)
        neutral = neutral_style(settings.architecture).repeat(len(self.names), 1)
        self._styles = nn.Parameter(neutral.to(self._device))
        self._descent = Descent([*self._network.parameters(), self._styles], settings.clip, settings.average)
        self._teacher: Weights | None = None
        layers = settings.recipe.style_layers
        with torch.no_grad():
            pictures = [load_picture(path, settings.painting_side) for path in paintings.values()]
            self._targets = [grams(self._encoder(p[None].to(self._device), layers), layers) for p in pictures]

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return self._descent.step

    @property
    def skipped(self) -> int:
        """How many photographs turned out to be unusable so far."""
        return self._photos.skipped

    def start_from(self, path: Path) -> None:
        """Begin with another run's weights, of this width or another; styles it does not know begin neutral.

        Raises ``ValueError`` where more than the width differs, or where they lack a style that is to be imitated.
        """
        teacher = load_weights(path)
        if self.settings.recipe.imitation:
            if unknown := [name for name in self.names[1:] if name not in teacher.styles]:
                raise ValueError(f"has no style {', '.join(unknown)} to paint like; there another recipe is needed")
            self._teacher = Weights(teacher.network.to(self._device).requires_grad_(False), teacher.styles)
        loaded = resize(teacher, self._network)
        with torch.no_grad():
            for row, name in enumerate(self.names):
                if name in loaded.styles:
                    self._styles[row] = loaded.styles[name]
        self._descent.begin_average()

    def resume(self) -> None:
        """Continue from the folder's checkpoint. Raises ``FileNotFoundError`` where there is none."""
        self._descent.restore(self._folder / CHECKPOINT)

    def save(self) -> None:
        """Write the checkpoint, and the averaged weights beside it."""
        self._descent.save(self._folder / CHECKPOINT)
        save_weights(self._folder / WEIGHTS, self.averaged())

    def averaged(self) -> Weights:
        """The moving average, which paints more calmly than the last step's weights. On the CPU."""
        network = StyleNetwork(self.settings.architecture).eval()
        *convolutions, styles = (tensor.cpu() for tensor in self._descent.average)
        with torch.no_grad():
            for parameter, average in zip(network.parameters(), convolutions, strict=True):
                parameter.copy_(average)
        return Weights(network, dict(zip(self.names, styles.clone(), strict=True)))

    def train(self, last: int | None = None) -> Iterator[Losses]:
        """Take the remaining steps, or those up to ``last``, one each time a value is asked for."""
        while self.step < (self.settings.steps if last is None else last):
            yield self._take_step()

    def _learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to one per cent."""
        s = self.settings
        if self.step < s.warm_up:
            return s.learning_rate * (self.step + 1) / s.warm_up
        progress = (self.step - s.warm_up) / max(1, s.steps - s.warm_up)
        return s.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))

    def _deal(self) -> list[int]:
        """The styles of this step, dealt from a deck that holds every style by its turns and the identity once."""
        turns = [self.settings.turns.get(name, TURNS) for name in self.names[1:]]
        rounds = [[style for style, left in enumerate(turns, start=1) if left > turn] for turn in range(max(turns))]
        deck = [0, *(style for one in rounds for style in one)]
        dealt = []
        for position in range(self.step * self.settings.batch, (self.step + 1) * self.settings.batch):
            shuffle, card = divmod(position, len(deck))
            dealt.append(deck[np.random.default_rng((self.settings.seed, 1, shuffle)).permutation(len(deck))[card]])
        return dealt

    def _take_step(self) -> Losses:
        s, recipe = self.settings, self.settings.recipe
        mine = self._share.of(s.batch)
        photo = self._photos.batch(self.step, s.batch)[mine].to(self._device)
        chosen = [self._deal()[place] for place in mine]
        painting = self._network(photo, self._styles[chosen])
        painted = [row for row, style in enumerate(chosen) if style > 0]
        same = [row for row, style in enumerate(chosen) if style == 0]
        # Sums of nothing are 0, and of means there are none.
        nothing = painting.new_zeros(0)
        content = style = variation = identity = copied = canvas = emphasis = nothing
        if same:
            identity = reconstruction(painting[same], photo[same])
        if painted:
            names = [self.names[chosen[row]] for row in painted]
            if recipe.perceptual:
                emphasis = painting.new_tensor([s.emphasis.get(name, 1.0) for name in names])
                content, style = self._distances(painting[painted], photo[painted], [chosen[row] for row in painted])
            if recipe.imitation:
                copied = imitation(painting[painted], self._lesson(photo[painted], names))
            variation = total_variation(painting[painted])
        if recipe.lattice:
            canvas = lattice(painting)
        total = recipe.content * content.sum() + recipe.style * (emphasis * style).sum()
        total = total + recipe.variation * variation.sum() + recipe.imitation * copied.sum()
        total = (total + recipe.identity * identity.sum() + recipe.lattice * canvas.sum()) / s.batch
        self._descent.take(total, self._learning_rate(), self._add_up)
        return Losses(
            self.step,
            total.item(),
            _mean(content),
            _mean(style),
            _mean(variation),
            _mean(identity),
            _mean(copied),
            _mean(canvas),
        )

    def _distances(self, painting: Tensor, photo: Tensor, styles: Sequence[int]) -> tuple[Tensor, Tensor]:
        """How far paintings are from their photos and from their styles, [N] each."""
        recipe = self.settings.recipe
        made = self._encoder(painting, recipe.layers)
        with torch.no_grad():
            wanted = self._encoder(photo, recipe.content_layers)
        targets = [self._targets[style - 1] for style in styles]
        target = {layer: torch.cat([one[layer] for one in targets]) for layer in recipe.style_layers}
        content = content_distance(made, wanted, recipe.content_layers)
        return content, style_distance(made, target, recipe.style_layers)

    @torch.no_grad()
    def _lesson(self, photo: Tensor, names: Sequence[str]) -> Tensor:
        """What the network that training started from paints. Raises ``ValueError`` when it started from none."""
        if self._teacher is None:
            raise ValueError("imitation needs the weights of another network to start from")
        vectors = torch.stack([self._teacher.styles[name] for name in names]).to(self._device)
        lesson: Tensor = self._teacher.network(photo, vectors)
        return lesson

    @torch.no_grad()
    def validate(self, photos: Sequence[Tensor]) -> Validation:
        """Judge the averaged weights by the losses of training on ``photos`` ([3,H,W], sides multiples of 4)."""
        recipe, weights = self.settings.recipe, self.averaged()
        network = weights.network.to(self._device)
        content, style, identity = [], [], []
        for photo in (picture[None].to(self._device) for picture in photos):
            wanted = self._encoder(photo, recipe.content_layers)
            for name, vector in weights.styles.items():
                painting = network(photo, vector[None].to(self._device))
                if name == IDENTITY:
                    identity.append(reconstruction(painting, photo).item())
                    continue
                made = self._encoder(painting, recipe.layers)
                target = self._targets[self.names.index(name) - 1]
                content.append(content_distance(made, wanted, recipe.content_layers).item())
                style.append(style_distance(made, target, recipe.style_layers).item())
        means = fmean(content), fmean(style), fmean(identity)
        # By the recipe that judges, also where training itself only imitates.
        judged = RECIPES["deep"] if not recipe.perceptual else recipe
        total = judged.content * means[0] + judged.style * means[1] + judged.identity * means[2]
        return Validation(self.step, total, *means)

    def agree(self, decision: bool) -> bool:
        """The first worker's decision, asked of all at the same step."""
        if self._share.workers == 1:
            return decision
        shared = torch.tensor([float(decision)], device=self._device)
        torch.distributed.broadcast(shared, 0)
        return bool(shared.item())

    def _add_up(self) -> None:
        """Add the gradients of all workers, each of which holds its share of the batch's mean."""
        if self._share.workers == 1:
            return
        for parameter in self._descent.parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            torch.distributed.all_reduce(parameter.grad)


def _mean(losses: Tensor) -> float | None:
    return losses.mean().item() if len(losses) else None
