"""Lookalike search behind a Serve handle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from deployments.engine import Engine
from deployments.errors import UnknownModel
from deployments.faces.types import Face
from deployments.imaging import Photo
from deployments.lookalike.engine import LookalikeEngine, LookalikeQuery, Match
from deployments.provenance import encode_marked
from deployments.serving.deployment import ModelDeployment
from deployments.serving.types import Answer
from registry.manifest import ModelVersion

Matches = tuple[Match, ...]


class Lookalike(ModelDeployment[LookalikeQuery, Matches, Matches]):
    """Searches the gallery and hands out its portraits."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[LookalikeQuery, Matches]:
        return LookalikeEngine(version, self.options.runtime)

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> LookalikeQuery:
        embedding = np.asarray(probe["embedding"], np.float32)
        return LookalikeQuery(embedding, str(version.manifest.embedding_space), int(probe.get("top", 1)))

    async def finish(self, query: LookalikeQuery, result: Matches) -> Matches:
        return result

    async def search(
        self, queries: tuple[LookalikeQuery, ...], visitor: str | None = None
    ) -> tuple[Answer[Matches], ...]:
        """:meth:`answer` for all faces of a photo, in one call: a crowd takes one place in the queue, not one each."""
        return tuple(await asyncio.gather(*(self.answer(query, visitor) for query in queries)))

    async def portrait(self, name: str) -> bytes:
        """A portrait (JPEG) by the name a match carries. Raises ``UnknownModel``."""
        return await self._shown(lambda engine: engine.portrait(name))

    async def collage(self, photo: Photo, face: Face, matches: Matches, note: str) -> bytes:
        """A face side by side with its matches, over ``note``, as an encoded JPEG. Raises ``UnknownModel``."""
        return await self._shown(lambda engine: encode_marked(engine.collage(photo, face, matches, note)))

    async def _shown(self, draw: Callable[[LookalikeEngine], bytes], *, canary: bool = False) -> bytes:
        """What ``draw`` makes of the gallery's portraits, while the engine's own thread searches on."""
        try:
            with self._slot.lease(canary=canary) as lease:
                return await asyncio.to_thread(draw, cast(LookalikeEngine, lease.engine))
        except UnknownModel:
            if canary:
                raise
            # A match of the canary's gallery; with no canary this looks in the same gallery again.
            return await self._shown(draw, canary=True)
