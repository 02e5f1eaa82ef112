"""Perceptual losses over a frozen encoder (Johnson, Alahi & Fei-Fei 2016; Gatys, Ecker & Bethge 2016).

Every distance is relative: the mean squared difference over the mean square of the target. Layers of any depth, and
encoders of any activation scale, then weigh the same, and one set of weights serves all encoders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from deployments.masterpiece.distances import (
    Features,
    content_distance,
    gram,
    grams,
    relative,
    style_distance,
    total_variation,
)

__all__ = [
    "RECIPES",
    "Features",
    "Recipe",
    "content_distance",
    "gram",
    "grams",
    "imitation",
    "reconstruction",
    "relative",
    "style_distance",
    "total_variation",
]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which layers are compared, and how much each term weighs.

    ``imitation`` weighs the likeness to the paintings of the network that training started from.
    """

    content_layers: tuple[str, ...] = ("relu2_2",)
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    content: float = 1.0
    style: float = 4.0
    variation: float = 0.3
    identity: float = 20.0
    imitation: float = 0.0

    @property
    def perceptual(self) -> bool:
        """Whether an encoder has a say."""
        return self.content > 0 or self.style > 0

    @property
    def layers(self) -> tuple[str, ...]:
        """Every layer an encoder has to deliver."""
        return tuple(dict.fromkeys((*self.content_layers, *self.style_layers)))


# The reference's layers; those of Johnson et al.; what suits a distilled VGG-19; strokes over detail, for VGG-19; and
# painting like another network, which takes no encoder and a fifth of the time.
RECIPES: Mapping[str, Recipe] = {
    "reference": Recipe(),
    "johnson": Recipe(style_layers=("relu1_2", "relu2_2", "relu3_3", "relu4_3")),
    "distilled": Recipe(content_layers=("relu3_1", "relu4_1")),
    "deep": Recipe(content_layers=("relu4_2",), style=10.0, variation=0.5),
    "copy": Recipe(content=0.0, style=0.0, variation=0.0, imitation=10.0),
}


def reconstruction(painting: Tensor, photo: Tensor) -> Tensor:
    """What the identity style minimises: squared error at full and at quarter resolution (colour), [N]."""
    coarse = (functional.avg_pool2d(painting, 4) - functional.avg_pool2d(photo, 4)).square().flatten(1).mean(1)
    return (painting - photo).square().flatten(1).mean(1) + coarse


def imitation(painting: Tensor, other: Tensor) -> Tensor:
    """How far a painting is from another network's: absolute error at full and at quarter resolution, [N]."""
    coarse = (functional.avg_pool2d(painting, 4) - functional.avg_pool2d(other, 4)).abs().flatten(1).mean(1)
    return (painting - other).abs().flatten(1).mean(1) + coarse
