"""How close a painting comes to its photo and to its style, as VGG-19 sees it, and whether it shows a lattice.

Content is the relative distance at relu4_2, style the relative Gram distance at relu1_1 to relu4_1 (see
:mod:`deployments.masterpiece.distances`). The judge is the same for every network, however that was trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from deployments.masterpiece.distances import content_distance, grams, style_distance
from deployments.masterpiece.encoder import Encoder
from training.style.data import load_picture
from training.style.losses import lattice

CONTENT_LAYERS = ("relu4_2",)
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")

Painter = Callable[[Tensor], Tensor]
"""Photo [1,3,H,W] RGB 0..1 to painting of the same shape."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Means over the photographs; 0 is a perfect match.

    ``lattice`` is in levels of 255 (:func:`training.style.losses.lattice`); photographs themselves come to about 1.4.
    """

    content: float
    style: float
    lattice: float


class Judge:
    """Compares with what it has seen once: the photographs ([3,H,W]) and, at ``side`` px (short side), the paintings.

    Photographs and paintings of one short side have strokes of the size they have in one another.
    """

    def __init__(self, encoder: Encoder, paintings: Mapping[str, Path], photos: Sequence[Tensor], side: int) -> None:
        self._encoder = encoder
        self._photos = [photo[None] for photo in photos]
        with torch.no_grad():
            self._wanted = [encoder(photo, CONTENT_LAYERS) for photo in self._photos]
            self._targets = {
                name: grams(encoder(load_picture(path, side)[None], STYLE_LAYERS), STYLE_LAYERS)
                for name, path in paintings.items()
            }

    @torch.no_grad()
    def judge(self, style: str, paint: Painter) -> Judgement:
        """Paint every photograph and compare."""
        content, styles, lattices = [], [], []
        for photo, wanted in zip(self._photos, self._wanted, strict=True):
            painting = paint(photo)
            made = self._encoder(painting, (*CONTENT_LAYERS, *STYLE_LAYERS))
            content.append(content_distance(made, wanted, CONTENT_LAYERS).item())
            styles.append(style_distance(made, self._targets[style], STYLE_LAYERS).item())
            lattices.append(255 * lattice(painting).sqrt().item())
        return Judgement(fmean(content), fmean(styles), fmean(lattices))
