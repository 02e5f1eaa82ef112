"""Starting a network with the weights of a narrower one (Chen, Goodfellow & Shlens 2016, Net2Net).

The grown network paints what the narrow one painted until it learns: what was there keeps its weights, and nothing
that was there listens to what is new.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.style.checkpoint import Weights
from training.style.network import Architecture, StyleNetwork, neutral_style


def grow(weights: Weights, network: StyleNetwork) -> Weights:
    """Put narrower weights into ``network``, in place. Raises ``ValueError`` where it is no wider version of them."""
    narrow, wide = weights.network.architecture, network.architecture
    if not _is_wider(narrow, wide):
        raise ValueError(f"{wide} is no wider version of {narrow}")
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
    return Weights(network, {name: _widened(vector, narrow, wide) for name, vector in weights.styles.items()})


def _is_wider(narrow: Architecture, wide: Architecture) -> bool:
    shape = ("blocks", "end_kernel", "block_kernel", "up_kernel")
    same_shape = all(getattr(narrow, name) == getattr(wide, name) for name in shape)
    return same_shape and all(old <= new for old, new in zip(narrow.widths, wide.widths, strict=True))


def _widened(vector: Tensor, narrow: Architecture, wide: Architecture) -> Tensor:
    """A style vector with neutral numbers for the new channels."""
    parts = list(neutral_style(wide).split([width for width in wide.widths for _ in range(2)]))
    old = vector.split([width for width in narrow.widths for _ in range(2)])
    for part, known in zip(parts, old, strict=True):
        part[: known.shape[0]] = known
    return torch.cat(parts)
