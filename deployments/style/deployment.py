"""Style transfer behind a Serve handle."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from deployments.engine import Engine
from deployments.imaging import Photo, Pixels
from deployments.imaging.probe import probe_photo
from deployments.provenance import marked_result
from deployments.serving.deployment import ModelDeployment
from deployments.serving.types import Answer
from deployments.style.engine import StyleEngine, StyleInfo, StyleQuery
from registry.manifest import ModelVersion


class Style(ModelDeployment[StyleQuery, Pixels, Photo]):
    """Paints photos; answers with a JPEG of the photo's size, or at strength 0 with the photo."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[StyleQuery, Pixels]:
        return StyleEngine(version, extras, self.options.runtime)

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> StyleQuery:
        strength = float(probe.get("strength", 1.0))
        return StyleQuery.parse(probe_photo(probe, version), [str(probe["style"])], strength)

    def contributors(self, engine: Engine[StyleQuery, Pixels], query: StyleQuery) -> tuple[str, ...]:
        return cast(StyleEngine, engine).contributors(query)

    def knows(self, engine: Engine[StyleQuery, Pixels], query: StyleQuery) -> bool:
        return cast(StyleEngine, engine).knows(query)

    async def finish(self, query: StyleQuery, result: Pixels) -> Photo:
        if query.strength == 0:
            return await asyncio.to_thread(query.photo.upright)
        return await asyncio.to_thread(marked_result, result, query.photo)

    async def styles(self) -> Answer[tuple[StyleInfo, ...]]:
        """The styles of the active version."""
        with self._slot.lease() as lease:
            return Answer(cast(StyleEngine, lease.engine).styles, lease.model)
