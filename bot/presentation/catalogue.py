"""What the studio can do for people right now: its features, and the styles with their pictures."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from bot.presentation.callbacks import short_code
from bot.presentation.showcase import Exhibit
from bot.presentation.translations import Words
from deployments.errors import MasqueradeError, UnknownStyle
from deployments.style.engine import StyleInfo
from serve_app.pipeline import Graph, Pipeline

Feature = Literal["style", "lookalike", "anonymize", "swap", "authenticity"]
"""In the order in which people are told of them."""

FRESH_S = 60.0


def features_of(graph: Graph) -> frozenset[Feature]:
    """The features a graph has all the deployments for."""
    needs: dict[Feature, Sequence[object]] = {
        "style": (graph.style, graph.styles),
        "lookalike": (graph.faces, graph.lookalike, graph.collage),
        "swap": (graph.faces, graph.swap),
        "anonymize": (graph.faces, graph.anonymize),
        "authenticity": (graph.authenticity,),
    }
    return frozenset(name for name in get_args(Feature) if None not in needs[name])


class Catalogue:
    """The features, and the styles as they are on offer; asked for again once a minute."""

    def __init__(
        self, pipeline: Pipeline, features: frozenset[Feature], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.features = features
        self._pipeline = pipeline
        self._clock = clock
        self._styles: tuple[StyleInfo, ...] = ()
        self._read: float | None = None

    async def styles(self) -> tuple[StyleInfo, ...]:
        """Every style, in the studio's order; none without the feature."""
        if "style" not in self.features:
            return ()
        if self._read is None or self._clock() - self._read > FRESH_S:
            self._styles = (await self._pipeline.styles()).value
            self._read = self._clock()
        return self._styles

    async def others(self, weights: Sequence[str]) -> list[StyleInfo]:
        """The styles that are not among these, written as ``name`` or ``name:weight``."""
        used = {_named(weight) for weight in weights}
        return [style for style in await self.styles() if style.name not in used]

    async def blends(self, weights: Sequence[str]) -> bool:
        """Whether another style can be blended with these; yes while the studio, which alone knows, is out of reach."""
        with contextlib.suppress(MasqueradeError):
            return bool(await self.others(weights))
        return True

    async def by_code(self, code: str) -> StyleInfo:
        """The style a button stands for. Raises ``UnknownStyle`` when it is not on offer any more."""
        for style in await self.styles():
            if short_code(style.name) == code:
                return style
        raise UnknownStyle("This style is not on offer any more.")

    async def titles(self, weights: Sequence[str], words: Words) -> list[str]:
        """The titles of styles written as ``name`` or ``name:weight``; the bare name where it is gone."""
        # A picture that is there already does not wait for a studio that is not.
        with contextlib.suppress(MasqueradeError):
            await self.styles()
        titles = {style.name: words.title(style.name, style.title) for style in self._styles}
        return [titles.get(name, name) for name in map(_named, weights)]


def exhibit(style: StyleInfo, words: Words) -> Exhibit:
    """A style as an album shows it."""
    name = f"style/{style.name[:40]}/{hashlib.sha256(style.preview).hexdigest()}"
    return Exhibit(name, words.title(style.name, style.title), f"{style.name}.jpg", style.preview)


def _named(weight: str) -> str:
    return weight.partition(":")[0]
