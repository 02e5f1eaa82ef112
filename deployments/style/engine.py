"""Paints photos in styles: one network, many styles, any blend of them (Dumoulin et al. 2017)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np

from deployments.imaging import Pixels
from deployments.runtime import Runtime
from deployments.style.color import keep_photo_colors, mix
from deployments.style.packs import StyleBook, StyleInfo
from deployments.style.painter import Painter
from deployments.style.query import StyleQuery
from registry.manifest import ModelVersion

__all__ = ["StyleEngine", "StyleInfo", "StyleQuery"]

# Strokes have the size in pixels that the network was trained on. At this size they are about as large, measured by
# the picture, as on the canvas; on 12 megapixels they would be a grain nobody sees, and take twelve times as long.
WORKING_PIXELS = 1_000_000


class StyleEngine:
    """Answers :class:`StyleQuery` with a painting of exactly the photo's size.

    Raises ``ValueError`` on construction when a pack does not belong to the network.
    """

    def __init__(self, version: ModelVersion, packs: Sequence[ModelVersion], runtime: Runtime) -> None:
        self._book = StyleBook(version, packs)
        self._painter: Painter = Painter(version, runtime)

    @property
    def styles(self) -> tuple[StyleInfo, ...]:
        """Every style there is, in the packs' order."""
        return self._book.styles

    def check(self, query: StyleQuery) -> None:
        """Raises :class:`UnknownStyle`. To be asked before a query joins a batch, which it would spoil for others."""
        self._book.check(query.weights)

    def warm_up(self) -> None:
        """Paint grey once."""
        if self.styles:
            vector = self._book.blend([(self.styles[0].name, 1.0)], 1.0)
            self._painter.paint([np.full((256, 256, 3), 128, np.uint8)], [vector])

    def run(self, batch: Sequence[StyleQuery]) -> list[Pixels]:
        """Paint every photo. Pictures of one size share a run; an answer does not depend on its neighbours.

        Raises :class:`UnknownStyle` when any query names a style that no pack has.
        """
        vectors = [self._book.blend(query.weights, query.strength) for query in batch]
        sized: dict[tuple[int, int], list[int]] = defaultdict(list)
        sources: dict[int, Pixels] = {}
        results: dict[int, Pixels] = {}
        for index, query in enumerate(batch):
            if query.strength == 0:
                results[index] = query.photo.pixels()
            else:
                sources[index] = query.photo.pixels(working_side(query.photo.width, query.photo.height))
                sized[sources[index].shape[:2]].append(index)
        for indices in sized.values():
            paintings = self._painter.paint([sources[i] for i in indices], [vectors[i] for i in indices])
            for index, painting in zip(indices, paintings, strict=True):
                results[index] = _finish(painting, sources[index], batch[index])
        return [results[index] for index in range(len(batch))]

    def close(self) -> None:
        """Let go of the sessions."""
        del self._painter


def working_side(width: int, height: int) -> int:
    """The longest side at which a photo of this size is painted."""
    scale = min(1.0, math.sqrt(WORKING_PIXELS / (width * height)))
    return max(1, round(max(width, height) * scale))


def _finish(painting: Pixels, source: Pixels, query: StyleQuery) -> Pixels:
    """Bring a painting to the photo's size, colours and strength."""
    photo = query.photo
    share = painted_share(query.strength)
    if source.shape[:2] != (photo.height, photo.width):
        size = (photo.width, photo.height)
        painting = np.asarray(cv2.resize(painting, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        if query.preserve_color or share < 1:
            source = photo.pixels()
    if query.preserve_color:
        painting = keep_photo_colors(painting, source)
    return mix(painting, source, share) if share < 1 else painting


def painted_share(strength: float) -> float:
    """How much of the picture is painting at all, 0..1.

    Most of the way the style vector alone does the weakening. The network cannot give a photo back to the last pixel
    though, so near 0 the photo itself comes through, and strength 0 meets it without a jump.
    """
    return 1 - (1 - strength) ** 3
