"""Painting by optimisation behind a Serve handle."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from deployments.engine import Engine
from deployments.imaging import Pixels, encode
from deployments.masterpiece.query import MasterpieceQuery, Sketch
from deployments.provenance import mark
from deployments.serving import ModelDeployment
from registry.manifest import ModelVersion


def runnable() -> bool:
    """Whether the packages it takes are installed."""
    return importlib.util.find_spec("torch") is not None


class Masterpiece(ModelDeployment[MasterpieceQuery, Sketch | Pixels, Sketch | bytes]):
    """Takes a painting a few steps further: a sketch while there is work left, then an encoded JPEG."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[MasterpieceQuery, Sketch | Pixels]:
        # torch comes with an extra, and the graph is bound without it.
        from deployments.masterpiece.engine import MasterpieceEngine

        return MasterpieceEngine(version, self.options.runtime)

    def finish(self, query: MasterpieceQuery, result: Sketch | Pixels) -> Sketch | bytes:
        if isinstance(result, Sketch):
            return result
        return query.photo.data if query.strength == 0 else encode(mark(result))
