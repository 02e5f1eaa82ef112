"""Perceptual losses over a frozen encoder (Johnson, Alahi & Fei-Fei 2016; Gatys, Ecker & Bethge 2016).

Every distance is relative: the mean squared difference over the mean square of the target. Layers of any depth, and
encoders of any activation scale, then weigh the same, and one set of weights serves all encoders.
"""

from __future__ import annotations

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
    "Features",
    "content_distance",
    "gram",
    "grams",
    "imitation",
    "reconstruction",
    "relative",
    "style_distance",
    "total_variation",
]


def reconstruction(painting: Tensor, photo: Tensor) -> Tensor:
    """What the identity style minimises: squared error at full and at quarter resolution (colour), [N]."""
    coarse = (functional.avg_pool2d(painting, 4) - functional.avg_pool2d(photo, 4)).square().flatten(1).mean(1)
    return (painting - photo).square().flatten(1).mean(1) + coarse


def imitation(painting: Tensor, other: Tensor) -> Tensor:
    """How far a painting is from another network's: absolute error at full and at quarter resolution, [N]."""
    coarse = (functional.avg_pool2d(painting, 4) - functional.avg_pool2d(other, 4)).abs().flatten(1).mean(1)
    return (painting - other).abs().flatten(1).mean(1) + coarse
