"""Starting a network with the weights of a narrower or a wider one.

Grown (Chen, Goodfellow & Shlens 2016, Net2Net), it paints what the narrow one painted until it learns: what was there
keeps its weights, and nothing that was there listens to what is new. Shrunk, it keeps the channels that others listen
to most, and has to be taught again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.style.checkpoint import Weights
from training.style.network import Architecture, StyleNetwork, Upsample, neutral_style


def resize(weights: Weights, network: StyleNetwork) -> Weights:
    """Put ``weights`` into ``network``, in place. Raises ``ValueError`` unless only the widths differ, all one way."""
    old, new = weights.network.architecture, network.architecture
    shape = ("blocks", "end_kernel", "block_kernel", "up_kernel", "separable")
    if any(getattr(old, name) != getattr(new, name) for name in shape):
        raise ValueError(f"{new} is no narrower or wider version of {old}")
    if all(a <= b for a, b in zip(old.widths, new.widths, strict=True)):
        return _grown(weights, network)
    if all(a >= b for a, b in zip(old.widths, new.widths, strict=True)):
        return _shrunk(weights, network)
    raise ValueError(f"{new} is narrower than {old} here and wider there")


def _grown(weights: Weights, network: StyleNetwork) -> Weights:
    into = dict(network.named_parameters())
    with torch.no_grad():
        for name, old in weights.network.named_parameters():
            new = into[name]
            if old.ndim == 1:
                new.copy_(old)
                continue
            outputs, inputs = old.shape[:2]
            new[:outputs, inputs:] = 0
            new[:outputs, :inputs] = old
    narrow, wide = weights.network.architecture, network.architecture
    return Weights(network, {name: _widened(vector, narrow, wide) for name, vector in weights.styles.items()})


def _widened(vector: Tensor, narrow: Architecture, wide: Architecture) -> Tensor:
    """A style vector with neutral numbers for the new channels."""
    parts = list(torch.split(neutral_style(wide), [width for width in wide.widths for _ in range(2)]))
    old = torch.split(vector, [width for width in narrow.widths for _ in range(2)])
    for part, known in zip(parts, old, strict=True):
        part[: known.shape[0]] = known
    return torch.cat(parts)


@dataclass(frozen=True, slots=True)
class _Stage:
    """A layer with its place among the normalised ones: whose channels it reads, and which it makes."""

    layer: nn.Module
    reads: int | None
    makes: int | None


def _stages(network: StyleNetwork) -> list[_Stage]:
    """Every layer, in the order of the forward pass. The trunk's channels all go by the place of ``down2``."""
    trunk, blocks = 2, len(network.blocks)
    stages = [_Stage(network.stem, None, 0), _Stage(network.down1, 0, 1), _Stage(network.down2, 1, trunk)]
    for index, block in enumerate(network.blocks):
        inner = trunk + 1 + index - index % 2
        stages.append(_Stage(block, inner, trunk) if index % 2 else _Stage(block, trunk, inner))
    last = trunk + blocks
    up = [_Stage(network.up1, trunk, last + 1), _Stage(network.up2, last + 1, last + 2)]
    return [*stages, *up, _Stage(network.head, last + 2, None)]


@torch.no_grad()
def _shrunk(weights: Weights, network: StyleNetwork) -> Weights:
    old, stages = weights.network, _stages(weights.network)
    widths = network.architecture.widths
    heard = [torch.zeros(width) for width in old.architecture.widths]
    for stage in stages:
        if stage.reads is not None:
            heard[stage.reads] += _mixing(stage.layer).square().sum(tuple(d for d in range(4) if d != 1))
    loudness = _loudness(weights)
    kept = [
        (one.sqrt() * loud).topk(width).indices.sort().values
        for one, loud, width in zip(heard, loudness, widths, strict=True)
    ]
    # The second halves of the blocks, normalised in their own place, add to the trunk.
    for place in range(2, 2 + len(old.blocks) + 1, 2):
        kept[place] = kept[2]
    for stage, target in zip(stages, _stages(network), strict=True):
        reads = None if stage.reads is None else kept[stage.reads]
        makes = None if stage.makes is None else kept[stage.makes]
        for (name, tensor), new in zip(stage.layer.named_parameters(), target.layer.parameters(), strict=True):
            depthwise = name.startswith("depthwise")
            # An upsampling filters what it has made, any other layer what it reads.
            outputs = (makes if isinstance(stage.layer, Upsample) else reads) if depthwise else makes
            picked = tensor if outputs is None else tensor[outputs]
            if not depthwise and reads is not None and tensor.ndim == 4:
                picked = picked[:, reads]
            new.copy_(picked)
    return Weights(network, {name: _picked(vector, weights, kept) for name, vector in weights.styles.items()})


def _mixing(layer: nn.Module) -> Tensor:
    """The weights [out,in,K,K] with which a layer listens to each channel it reads."""
    mixing = layer if isinstance(layer, nn.Conv2d) else layer.pointwise
    assert isinstance(mixing, nn.Conv2d)
    return mixing.weight


def _loudness(weights: Weights) -> list[Tensor]:
    """For every normalised layer the mean scale of each channel over the styles."""
    sizes = [width for width in weights.network.architecture.widths for _ in range(2)]
    vectors = torch.stack(list(weights.styles.values())) if weights.styles else torch.ones(1, sum(sizes))
    return [scales.abs().mean(0) for scales in torch.split(vectors, sizes, dim=1)[::2]]


def _picked(vector: Tensor, weights: Weights, kept: list[Tensor]) -> Tensor:
    sizes = [width for width in weights.network.architecture.widths for _ in range(2)]
    parts = torch.split(vector, sizes)
    return torch.cat([part[kept[index // 2]] for index, part in enumerate(parts)])
