"""A deployment that takes as long as a model would and costs nothing, behind the product's own batcher."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from deployments.serving.batching import Batcher


class StandIn:
    """Answers after ``service_s`` engine seconds, one query at a time, and reports its load like every model."""

    def __init__(self, service_s: float) -> None:
        self._service_s = service_s
        self._batcher: Batcher[int, int] = Batcher(self._run, max_batch=1)

    async def answer(self, query: int) -> int:
        return await self._batcher.submit(query)

    async def record_autoscaling_stats(self) -> dict[str, float]:
        return asdict(self._batcher.load())

    async def _run(self, queries: list[int]) -> list[int | Exception]:
        await asyncio.sleep(self._service_s * len(queries))
        return list(queries)
