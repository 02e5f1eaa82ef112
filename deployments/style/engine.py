"""Paints photos in styles: one network, many styles, any blend of them (Dumoulin et al. 2017), and any picture's."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np

from deployments.errors import Unavailable
from deployments.imaging import Pixels
from deployments.runtime import Runtime
from deployments.style.colour import Palette, dye, keep_photo_colours, mix
from deployments.style.packs import StyleBook, StyleInfo, Vector
from deployments.style.painter import Painter
from deployments.style.prediction import PREDICTOR_TASK, StyleReader
from deployments.style.query import StyleQuery
from registry.manifest import ModelVersion

__all__ = ["StyleEngine", "StyleInfo", "StyleQuery"]

# Strokes have the size in pixels that the network was trained on. At this size they are about as large, measured by
# the picture, as on the canvas; on 12 megapixels they would be a grain nobody sees, and take twelve times as long.
WORKING_PIXELS = 1_000_000


class StyleEngine:
    """Answers :class:`StyleQuery` with a painting of exactly the photo's size.

    ``extras`` are style packs, and at most one predictor, without which no picture can be taken for a style. Raises
    ``ValueError`` on construction when one does not belong to the network.
    """

    def __init__(self, version: ModelVersion, extras: Sequence[ModelVersion], runtime: Runtime) -> None:
        predictors = [extra for extra in extras if extra.manifest.task == PREDICTOR_TASK]
        if len(predictors) > 1:
            raise ValueError(f"{predictors[0].ref} and {predictors[1].ref} both predict styles; one is enough")
        self._book = StyleBook(version, [extra for extra in extras if extra not in predictors])
        self._painter: Painter = Painter(version, runtime)
        self._reader = StyleReader(version, predictors[0], runtime) if predictors else None
        self._predictors = tuple(predictor.ref for predictor in predictors)

    @property
    def styles(self) -> tuple[StyleInfo, ...]:
        """Every style there is, in the packs' order."""
        return self._book.styles

    def warm_up(self) -> None:
        """Paint grey once, and read it as a style where pictures can be."""
        if self.styles:
            vector = self._book.blend([(self.styles[0].name, 1.0)], 1.0)
            grey = np.full((256, 256, 3), 128, np.uint8)
            self._painter.paint([grey], [vector])
            if self._reader is not None:
                self._reader.read(grey)

    def run(self, batch: Sequence[StyleQuery]) -> list[Pixels]:
        """Paint every photo. Pictures of one size share a run; an answer does not depend on its neighbours.

        Raises :class:`UnknownStyle` when any query names a style that no pack has, and :class:`Unavailable` for one that
        brings a picture where there is no predictor.
        """
        looks = [self._look(query) for query in batch]
        vectors = [vector for vector, _ in looks]
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
                results[index] = _finish(painting, sources[index], batch[index], looks[index][1])
        return [results[index] for index in range(len(batch))]

    def knows(self, query: StyleQuery) -> bool:
        """Whether there is every style that ``query`` names, or a predictor for the picture it brings."""
        return self._book.knows(query.weights) if query.style_image is None else self._reader is not None

    def contributors(self, query: StyleQuery) -> tuple[str, ...]:
        """The versions (``name@version``) that the style of an answered ``query`` came from: its packs, or the predictor."""
        return self._book.packs(query.weights) if query.style_image is None else self._predictors

    def close(self) -> None:
        """Let go of the sessions."""
        del self._painter
        self._reader = None

    def _look(self, query: StyleQuery) -> tuple[Vector, Palette | None]:
        """The vector to paint with, and the colours to end with where a picture is the style."""
        if query.style_image is None:
            return self._book.blend(query.weights, query.strength), None
        reader = self._need_reader()
        picture = query.style_image.pixels(reader.longest_side(query.style_image.width, query.style_image.height))
        return self._book.weakened(reader.read(picture), query.strength), Palette.of(picture)

    def _need_reader(self) -> StyleReader:
        if self._reader is None:
            raise Unavailable(
                "This studio cannot take a picture for a style yet: no style-predictor for its style network is installed.",
                retry_after=600,
            )
        return self._reader


def working_side(width: int, height: int) -> int:
    """The longest side at which a photo of this size is painted."""
    scale = min(1.0, math.sqrt(WORKING_PIXELS / (width * height)))
    return max(1, round(max(width, height) * scale))


def _finish(painting: Pixels, source: Pixels, query: StyleQuery, palette: Palette | None) -> Pixels:
    """Bring a painting to the photo's size, colours and strength."""
    photo = query.photo
    if palette is not None and not query.preserve_color:
        painting = dye(painting, palette)
    share = painted_share(query.strength)
    if source.shape[:2] != (photo.height, photo.width):
        size = (photo.width, photo.height)
        painting = np.asarray(cv2.resize(painting, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        if query.preserve_color or share < 1:
            source = photo.pixels()
    if query.preserve_color:
        painting = keep_photo_colours(painting, source)
    return mix(painting, source, share) if share < 1 else painting


def painted_share(strength: float) -> float:
    """How much of the picture is painting at all, 0..1.

    Most of the way the style vector alone does the weakening. The network cannot give a photo back to the last pixel
    though, so near 0 the photo itself comes through, and strength 0 meets it without a jump.
    """
    return 1 - (1 - strength) ** 3
