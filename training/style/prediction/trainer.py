"""Training a style predictor for a painting network that stays as it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deployments.masterpiece.distances import content_distance, grams, style_distance, total_variation
from deployments.masterpiece.encoder import Encoder
from training.style.data import PhotoCrops
from training.style.descent import NOTHING, Descent
from training.style.network import StyleNetwork
from training.style.prediction.network import StylePredictor, save_predictor
from training.style.prediction.pictures import StylePictures, Targets, reading
from training.style.recipes import RECIPES, Recipe

PREDICTOR, CHECKPOINT = "predictor.safetensors", "checkpoint.safetensors"
# One picture in each step is new; the others are met again while their Gram matrices are still kept.
KEPT_TARGETS = 192


@dataclass(frozen=True)
class Course:
    """How a predictor is trained. ``far`` is where a style's loss begins to count by its root: no picture shouts.

    Unless ``reading`` learns along, pictures are described once, and a step costs what painting costs.
    """

    steps: int = 2000
    batch: int = 4
    learning_rate: float = 1e-3
    warm_up: int = 50
    clip: float = 5.0
    average: float = 0.995
    far: float = 0.5
    reading: bool = False
    seed: int = 1
    recipe: Recipe = field(default_factory=lambda: RECIPES["deep"])


@dataclass(frozen=True, slots=True)
class Passed:
    """One step's unweighted losses."""

    step: int
    content: float
    style: float


class PredictorTrainer:
    """Trains with Adam through the frozen network and keeps a moving average of the weights.

    ``header`` is written into every checkpoint, for whoever resumes from it.
    """

    def __init__(
        self,
        course: Course,
        predictor: StylePredictor,
        network: StyleNetwork,
        pictures: StylePictures,
        photos: PhotoCrops,
        encoder: Encoder,
        folder: Path,
        header: Mapping[str, str] = NOTHING,
    ) -> None:
        self.course, self.predictor = course, predictor
        self._header = header
        self._network = network.eval().requires_grad_(False)
        self._photos, self._encoder, self._folder = photos, encoder, folder
        look = (lambda read: read) if course.reading else (lambda read: predictor.describe(read[None])[0])
        self._targets = Targets(pictures, encoder, course.recipe.style_layers, KEPT_TARGETS, look)
        parameters = predictor.parameters() if course.reading else predictor.painting_half
        self._descent = Descent(parameters, course.clip, course.average)

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return self._descent.step

    def resume(self) -> None:
        """Continue from the folder's checkpoint. Raises ``FileNotFoundError`` where there is none."""
        self._descent.restore(self._folder / CHECKPOINT)

    def save(self) -> None:
        """Write the checkpoint, and the averaged predictor beside it."""
        self._descent.save(self._folder / CHECKPOINT, self._header)
        current = [parameter.detach().clone() for parameter in self._descent.parameters]
        self._put(self._descent.average)
        save_predictor(self._folder / PREDICTOR, self.predictor)
        self._put(current)

    def learn(self) -> Iterator[Passed]:
        """Take the remaining steps, one each time a value is asked for."""
        while self.step < self.course.steps:
            yield self._take_step()

    def _dealt(self) -> list[int]:
        """The pictures of this step: a new one, and some of those met lately."""
        random = np.random.default_rng((self.course.seed, 11, self.step))
        newest = self.step + self.course.batch
        oldest = max(0, newest - KEPT_TARGETS // 2)
        met = random.choice(np.arange(oldest, newest), self.course.batch - 1, replace=False)
        return [newest, *(int(index) for index in met)]

    def _take_step(self) -> Passed:
        course, recipe = self.course, self.course.recipe
        dealt = [self._targets(index) for index in self._dealt()]
        photo = self._photos.batch(self.step, course.batch)
        shown = torch.stack([kept for kept, _ in dealt])
        painting = self._network(photo, self.predictor(shown) if course.reading else self.predictor.vector(shown))
        made = self._encoder(painting, recipe.layers)
        with torch.no_grad():
            wanted = self._encoder(photo, recipe.content_layers)
        target = {layer: torch.cat([one[layer] for _, one in dealt]) for layer in recipe.style_layers}
        content = content_distance(made, wanted, recipe.content_layers)
        style = style_distance(made, target, recipe.style_layers)
        loss = recipe.content * content + recipe.style * softened(style, course.far)
        loss = loss + recipe.variation * total_variation(painting)
        self._descent.take(loss.mean(), self._learning_rate())
        return Passed(self.step, content.mean().item(), style.mean().item())

    def _learning_rate(self) -> float:
        """Linear warm-up below half a cosine down to two per cent."""
        course = self.course
        progress = max(0.0, (self.step - course.warm_up) / max(1, course.steps - course.warm_up))
        rate = min(1.0, (self.step + 1) / course.warm_up) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        return course.learning_rate * rate

    @torch.no_grad()
    def _put(self, values: Sequence[Tensor]) -> None:
        for parameter, value in zip(self._descent.parameters, values, strict=True):
            parameter.copy_(value)


def softened(distance: Tensor, far: float) -> Tensor:
    """``distance`` itself near 0, growing like its root beyond ``far``."""
    return 2 * far * ((1 + distance / far).sqrt() - 1)


def learn_to_read(
    predictor: StylePredictor,
    pictures: StylePictures,
    encoder: Encoder,
    layers: Sequence[str],
    count: int,
    rounds: int,
    seed: int,
) -> Iterator[float]:
    """Teach the reading half what styles differ in, before it is asked how to paint them.

    The first principal components of ``count`` pictures' Gram matrices are what it learns to describe them by, in
    minutes and without the painting network. Yields the mean squared error of every round over all pictures; components
    have variance 1.
    """
    reads: list[Tensor] = []
    rows: list[Tensor] = []
    with torch.no_grad():
        for index in range(count):
            picture = pictures.picture(index)
            read = reading(picture)
            reads.append((read * 255).to(torch.uint8))
            found = grams(encoder(read[None], layers), layers)
            rows.append(torch.cat([_compact(found[layer][0]) for layer in layers]))
    components = _principal(torch.stack(rows), predictor.design.rank)
    optimiser = torch.optim.Adam(predictor.parameters(), lr=1.5e-3)
    generator = torch.Generator().manual_seed(seed)
    stacked = torch.stack(reads)
    with torch.no_grad():
        predictor.standardise(
            torch.cat(
                [predictor.statistics(part.float() / 255) for part in torch.tensor_split(stacked, -(-count // 64))]
            )
        )
    size = 16
    for round_ in range(rounds):
        optimiser.param_groups[0]["lr"] = 1.5e-3 * 0.5 * (1 + math.cos(math.pi * round_ / rounds)) + 1e-5
        errors = []
        for chosen in torch.tensor_split(torch.randperm(count, generator=generator), -(-count // size)):
            described = predictor.describe(stacked[chosen].float() / 255)
            error = functional.smooth_l1_loss(described, components[chosen], beta=2.0)
            optimiser.zero_grad(set_to_none=True)
            error.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
            nn.utils.clip_grad_norm_(predictor.parameters(), 1.0)
            optimiser.step()
            errors.append(functional.mse_loss(described.detach(), components[chosen]).item())
        yield fmean(errors)


def _compact(matrix: Tensor) -> Tensor:
    """The upper triangle by its root, so that loud channels do not drown the others; unit length."""
    rows, columns = torch.triu_indices(*matrix.shape)
    values = matrix[rows, columns]
    rooted: Tensor = values.sign() * values.abs().sqrt() / len(values) ** 0.5
    return rooted


def _principal(rows: Tensor, rank: int) -> Tensor:
    """The first principal components of rows, each with variance 1, [N,rank]."""
    centred = rows - rows.mean(0)
    left, values, _ = torch.linalg.svd(centred, full_matrices=False)
    kept = min(rank, len(values))
    return functional.pad(left[:, :kept] * len(rows) ** 0.5, (0, rank - kept))
