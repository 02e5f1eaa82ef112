"""Lookalike search behind a Serve handle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from deployments.engine import Engine
from deployments.faces.types import Face
from deployments.imaging import Photo, encode
from deployments.lookalike.engine import LookalikeEngine, LookalikeQuery, Match
from deployments.provenance import mark
from deployments.serving import ModelDeployment
from registry.manifest import ModelVersion

Matches = tuple[Match, ...]


class Lookalike(ModelDeployment[LookalikeQuery, Matches, Matches]):
    """Searches the gallery and hands out its portraits."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[LookalikeQuery, Matches]:
        return LookalikeEngine(version, self.options.runtime)

    def finish(self, query: LookalikeQuery, result: Matches) -> Matches:
        return result

    async def portrait(self, name: str) -> bytes:
        """A portrait (JPEG) by the name a match carries. Raises ``UnknownModel``."""
        with self._slot.lease() as lease:
            return await asyncio.to_thread(cast(LookalikeEngine, lease.engine).portrait, name)

    async def collage(self, photo: Photo, face: Face, matches: Matches) -> bytes:
        """A face side by side with its matches, as an encoded JPEG."""
        with self._slot.lease() as lease:
            engine = cast(LookalikeEngine, lease.engine)
            return await asyncio.to_thread(lambda: encode(mark(engine.collage(photo, face, matches))))
