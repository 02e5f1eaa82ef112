"""The learnt part: a small network over the fingerprint's statistics, several of them averaged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.authenticity.fingerprint import Fingerprint

# Statistics far outside of what was seen in training say no more than those at its edge.
_CLIP = 6.0


class Weigher(nn.Module):
    """``[N,F]`` statistics to ``[N]`` log odds of "machine-made". Standardises with the mean and deviation given."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, hidden: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.layers = nn.Sequential(nn.Linear(len(mean), hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, 1))

    def forward(self, statistics: Tensor) -> Tensor:
        standard = ((statistics - self.mean) / self.deviation).clamp(-_CLIP, _CLIP)
        logits: Tensor = self.layers(standard)[:, 0]
        return logits


class Detector(nn.Module):
    """``[N,3,256,256]`` RGB 0..255 to ``[N]`` log odds: the fingerprint and the mean of its weighers."""

    def __init__(self, weighers: Sequence[Weigher]) -> None:
        super().__init__()
        self.fingerprint = Fingerprint()
        self.weighers = nn.ModuleList(weighers)

    def forward(self, pictures: Tensor) -> Tensor:
        statistics = self.fingerprint(pictures)
        return torch.stack([weigher(statistics) for weigher in self.weighers]).mean(0)
