"""Face swapping behind a Serve handle."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments.engine import Engine
from deployments.imaging import Photo
from deployments.provenance import marked_result
from deployments.serving.deployment import ModelDeployment
from deployments.swap.engine import Skipped, SwapQuery, SwapResult, build
from deployments.swap.probe import probe_swap
from registry.manifest import ModelVersion


@dataclass(frozen=True, slots=True)
class SwapPicture:
    """The result, a JPEG, and the pairs of the mapping that were not swapped."""

    picture: Photo
    skipped: tuple[Skipped, ...]


class Swap(ModelDeployment[SwapQuery, SwapResult, SwapPicture]):
    """Exchanges faces; answers with a JPEG of the target's size."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[SwapQuery, SwapResult]:
        return build(version, self.options.runtime, extras)

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> SwapQuery:
        return probe_swap(probe, version)

    async def finish(self, query: SwapQuery, result: SwapResult) -> SwapPicture:
        picture = await asyncio.to_thread(marked_result, result.pixels, query.target)
        return SwapPicture(picture, result.skipped)
