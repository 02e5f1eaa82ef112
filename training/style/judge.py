"""How close a painting comes to its photo and to its style, as VGG-19 sees it.

Content is the relative distance at relu4_2, style the relative Gram distance at relu1_1 to relu4_1 (see
:mod:`training.style.losses`). The judge is the same for every network, however that was trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from training.style.data import load_picture
from training.style.encoders import Encoder
from training.style.losses import content_distance, grams, style_distance

CONTENT_LAYERS = ("relu4_2",)
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

Painter = Callable[[Tensor], Tensor]
"""Photo [1,3,H,W] RGB 0..1 to painting of the same shape."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Means over the photographs; 0 is a perfect match."""

    content: float
    style: float


class Judge:
    """Holds the paintings' Gram matrices at ``side`` px (short side), the size at which photographs are compared."""

    def __init__(self, encoder: Encoder, paintings: Mapping[str, Path], side: int) -> None:
        self._encoder = encoder
        with torch.no_grad():
            self._targets = {
                name: grams(encoder(load_picture(path, side)[None], STYLE_LAYERS), STYLE_LAYERS)
                for name, path in paintings.items()
            }

    @torch.no_grad()
    def judge(self, style: str, paint: Painter, photos: Iterable[Tensor]) -> Judgement:
        """Paint every photo ([3,H,W]) and compare."""
        content, styles = [], []
        for photo in (picture[None] for picture in photos):
            made = self._encoder(paint(photo), (*CONTENT_LAYERS, *STYLE_LAYERS))
            wanted = self._encoder(photo, CONTENT_LAYERS)
            content.append(content_distance(made, wanted, CONTENT_LAYERS).item())
            styles.append(style_distance(made, self._targets[style], STYLE_LAYERS).item())
        return Judgement(fmean(content), fmean(styles))
