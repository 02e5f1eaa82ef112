"""Face swapping behind a Serve handle."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployments.engine import Engine
from deployments.provenance import encode_marked
from deployments.serving.deployment import ModelDeployment
from deployments.swap.engine import Skipped, SwapQuery, SwapResult, build
from deployments.swap.probe import probe_swap
from registry.manifest import ModelVersion


@dataclass(frozen=True, slots=True)
class SwapPicture:
    """The encoded result and the pairs of the mapping that were not swapped."""

    data: bytes = field(repr=False)
    skipped: tuple[Skipped, ...]


class Swap(ModelDeployment[SwapQuery, SwapResult, SwapPicture]):
    """Exchanges faces; answers with an encoded JPEG of the target's size."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[SwapQuery, SwapResult]:
        return build(version, self.options.runtime, extras)

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> SwapQuery:
        return probe_swap(probe, version)

    async def finish(self, query: SwapQuery, result: SwapResult) -> SwapPicture:
        data = await asyncio.to_thread(encode_marked, result.pixels)
        return SwapPicture(data, result.skipped)
