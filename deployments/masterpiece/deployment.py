"""Painting by optimisation behind a Serve handle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from deployments.engine import Engine
from deployments.imaging import Photo, Pixels
from deployments.masterpiece.query import MasterpieceQuery, Sketch
from deployments.provenance import marked_result
from deployments.serving.deployment import ModelDeployment
from registry.manifest import ModelVersion


class Masterpiece(ModelDeployment[MasterpieceQuery, Sketch | Pixels, Sketch | Photo]):
    """Takes a painting a few steps further: a sketch while there is work left, then a JPEG."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[MasterpieceQuery, Sketch | Pixels]:
        # torch comes with an extra, and the graph is bound without it.
        from deployments.masterpiece.engine import MasterpieceEngine

        return MasterpieceEngine(version, self.options.runtime)

    async def finish(self, query: MasterpieceQuery, result: Sketch | Pixels) -> Sketch | Photo:
        if isinstance(result, Sketch):
            return result
        if query.strength == 0:
            return await asyncio.to_thread(query.photo.upright)
        return await asyncio.to_thread(marked_result, result, query.photo)
