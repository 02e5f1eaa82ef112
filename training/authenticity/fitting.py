"""Fits weighers on measured pictures, with early stopping, and finds out how they do on sources they never saw."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from training.authenticity.data import FOLDS, Example, balanced_weights, check_learnable, labels
from training.authenticity.features import Features, indices
from training.authenticity.network import Weigher

Index = npt.NDArray[np.int_]
Tell = Callable[[str, int, float], None]
"""Is told the name of a curve, the step, and the value."""


@dataclass(frozen=True)
class Recipe:
    """Everything besides the pictures that the weights depend on. ``patience`` counts checks without improvement."""

    views: int = 4
    hidden: int = 32
    dropout: float = 0.5
    weight_decay: float = 0.05
    learning_rate: float = 2e-3
    smoothing: float = 0.05
    batch: int = 128
    steps: int = 800
    check_every: int = 20
    patience: int = 12
    seed: int = 1


def fit(
    features: Features, examples: Sequence[Example], learn: Index, judge: Index, recipe: Recipe, seed: int, tell: Tell
) -> Weigher:
    """Learn from the disturbed views of ``learn``, keep the weights with the lowest loss on ``judge`` as they are."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    known = torch.from_numpy(np.concatenate([features.plain[learn, None], features.views[learn]], 1))
    flat = known.flatten(0, 1)
    weigher = Weigher(flat.mean(0), flat.std(0) + 1e-3, recipe.hidden, recipe.dropout)
    truth, weights = _targets(examples, learn)
    soft = truth * (1 - 2 * recipe.smoothing) + recipe.smoothing
    optimiser = torch.optim.AdamW(weigher.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    best, best_loss, since = copy.deepcopy(weigher.state_dict()), float("inf"), 0
    for step in range(1, recipe.steps + 1):
        rows = torch.from_numpy(generator.integers(0, len(learn), recipe.batch))
        views = torch.from_numpy(generator.integers(0, known.shape[1], recipe.batch))
        weigher.train()
        loss = _weighted(weigher(known[rows, views]), soft[rows], weights[rows])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        optimiser.step()
        if step % recipe.check_every == 0:
            validation = validation_loss(weigher, features, examples, judge)
            tell("training", step, loss.item())
            tell("validation", step, validation)
            since += 1
            if validation < best_loss:
                best, best_loss, since = copy.deepcopy(weigher.state_dict()), validation, 0
            if since == recipe.patience:
                break
    weigher.load_state_dict(best)
    return weigher.eval()


def check_splits(examples: Sequence[Example]) -> None:
    """Raises ``NoPictures`` where one of the networks would have nothing to learn from. Takes no time."""
    for fold in range(FOLDS):
        _check(examples, *_without_fold(examples, fold), f"learning without the {fold + 1}. fifth")
    for source in dict.fromkeys(example.source for example in examples if example.fold is not None):
        _check(examples, *_without_source(examples, source), f"learning without {source}")


def fit_fold(features: Features, examples: Sequence[Example], fold: int, recipe: Recipe, tell: Tell) -> Weigher:
    """A member of the ensemble: learns from all folds but one and stops by that one."""
    return fit(features, examples, *_without_fold(examples, fold), recipe, recipe.seed + fold, tell)


def fit_without(features: Features, examples: Sequence[Example], source: str, recipe: Recipe, tell: Tell) -> Weigher:
    """A weigher that never saw ``source``, neither to learn from nor to stop by."""
    return fit(features, examples, *_without_source(examples, source), recipe, recipe.seed + FOLDS, tell)


def _without_fold(examples: Sequence[Example], fold: int) -> tuple[Index, Index]:
    learn = indices(examples, lambda example: example.fold not in {None, fold})
    return learn, indices(examples, lambda example: example.fold == fold)


def _without_source(examples: Sequence[Example], source: str) -> tuple[Index, Index]:
    learn = indices(examples, lambda example: example.fold not in {None, 0} and example.source != source)
    return learn, indices(examples, lambda example: example.fold == 0 and example.source != source)


def _check(examples: Sequence[Example], learn: Index, judge: Index, words: str) -> None:
    check_learnable([examples[index] for index in learn], [examples[index] for index in judge], words)


def rate(weigher: Weigher, features: Features, chosen: Index) -> npt.NDArray[np.float64]:
    """Log odds of pictures as they are."""
    weigher.eval()
    with torch.no_grad():
        return np.asarray(weigher(torch.from_numpy(features.plain[chosen])).numpy(), np.float64)


def validation_loss(weigher: Weigher, features: Features, examples: Sequence[Example], judge: Index) -> float:
    """Balanced cross-entropy on pictures as they are."""
    truth, weights = _targets(examples, judge)
    return float(_weighted(torch.from_numpy(rate(weigher, features, judge)).float(), truth, weights))


def _targets(examples: Sequence[Example], chosen: Index) -> tuple[Tensor, Tensor]:
    some = [examples[index] for index in chosen]
    return torch.from_numpy(labels(some)).float(), torch.from_numpy(balanced_weights(some)).float()


def _weighted(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    return (weights * functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")).mean()
