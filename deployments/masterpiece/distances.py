"""How far a picture is from a photo's content and from a painting's style (Gatys, Ecker & Bethge 2016).

Every distance is relative: the mean squared difference over the mean square of the target. Layers of any depth, and
encoders of any activation scale, then weigh the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Features = Mapping[str, Tensor]


def gram(features: Tensor) -> Tensor:
    """Correlations between channels, averaged over positions: [N,C,H,W] -> [N,C,C] float32.

    The product is taken in the features' own precision: for bfloat16 it sums in float32 and rounds once, by a
    thousandth of what pictures differ by, in a fraction of the time.
    """
    product: Tensor = _Product.apply(features)
    return product.float() / features[0, 0].numel()


class _Product(torch.autograd.Function):
    """The features' product with themselves, [N,C,H,W] -> [N,C,C], differentiable once.

    torch's own gradient takes two products, and lays its result out channels first, which makes adding it to that of a
    next layer, channels last, as slow as another.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        ctx.save_for_backward(features)
        flat = _positions(features)
        return flat.transpose(1, 2) @ flat

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (features,) = ctx.saved_tensors
        count, channels, height, width = features.shape
        flat = _positions(features) @ (gradient + gradient.transpose(1, 2))
        return flat.view(count, height, width, channels).permute(0, 3, 1, 2)


def _positions(features: Tensor) -> Tensor:
    """[N,C,H,W] -> [N,HW,C]."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


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
