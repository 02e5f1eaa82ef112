"""How far a picture is from a photo's content and from a painting's style (Gatys, Ecker & Bethge 2016).

Every distance is relative: the mean squared difference over the mean square of the target. Layers of any depth, and
encoders of any activation scale, then weigh the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Features = Mapping[str, Tensor]


def gram(features: Tensor) -> Tensor:
    """Correlations between channels, averaged over positions: [N,C,H,W] -> [N,C,C] float32.

    The product is taken in the features' own precision: for bfloat16 it sums in float32 and rounds once, by a
    thousandth of what pictures differ by, in a fraction of the time.
    """
    flat = features.flatten(2)
    return (flat @ flat.transpose(1, 2)).float() / flat.shape[2]


def grams(features: Features, layers: Sequence[str]) -> dict[str, Tensor]:
    """The Gram matrices of some layers."""
    return {layer: gram(features[layer]) for layer in layers}


def relative(value: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference over the target's mean square, per sample: [N,...] -> [N]."""
    value, target = value.float().flatten(1), target.float().flatten(1)
    return (value - target).square().mean(1) / target.square().mean(1).clamp_min(1e-12)


def content_distance(painting: Features, photo: Features, layers: Sequence[str]) -> Tensor:
    """Mean relative feature distance over the layers, [N]."""
    return torch.stack([relative(painting[layer], photo[layer]) for layer in layers]).mean(0)


def style_distance(painting: Features, target: Features, layers: Sequence[str]) -> Tensor:
    """Mean relative Gram distance over the layers, [N]. ``target`` holds Gram matrices, not features."""
    return torch.stack([relative(gram(painting[layer]), target[layer]) for layer in layers]).mean(0)


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference of neighbours (anisotropic total variation), [N,3,H,W] -> [N]."""
    down = (image[:, :, 1:] - image[:, :, :-1]).abs().flatten(1).mean(1)
    right = (image[:, :, :, 1:] - image[:, :, :, :-1]).abs().flatten(1).mean(1)
    return down + right
