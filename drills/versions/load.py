"""Constant-arrival load (open loop): requests leave when they are due, whether or not earlier ones were answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Answered:
    """One request. Times are of one clock (seconds); ``due`` is when it was to leave, however late it did."""

    due: float
    ended: float
    status: int
    model: str
    detail: str = ""

    @property
    def latency_s(self) -> float:
        return self.ended - self.due


@dataclass(slots=True)
class Load:
    """What has been answered so far."""

    answered: list[Answered] = field(default_factory=list)

    def since(self, began: float) -> list[Answered]:
        """The requests that were due after ``began``."""
        return [request for request in self.answered if request.due >= began]


def percentile(requests: list[Answered], share: float) -> float:
    """The ``share`` quantile of the latencies in seconds; NaN for no requests."""
    ordered = sorted(request.latency_s for request in requests)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def failed(requests: list[Answered]) -> list[Answered]:
    """Those that were not answered as they should have been."""
    return [request for request in requests if request.status != 200]


@asynccontextmanager
async def constant_arrival(url: str, path: str, photo: bytes, per_second: float) -> AsyncIterator[Load]:
    """Send ``photo`` to ``path`` at a steady rate, each time as somebody else, until the block ends."""
    load = Load()
    tasks: set[asyncio.Task[None]] = set()
    limits = httpx.Limits(max_connections=512, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, limits=limits) as client:

        async def send(number: int, due: float) -> None:
            try:
                response = await client.post(
                    path, files={"image": ("photo.jpg", photo)}, headers={"X-User": f"user-{number}"}
                )
                model, detail = response.headers.get("x-model", ""), "" if response.is_success else response.text
                load.answered.append(Answered(due, time.perf_counter(), response.status_code, model, detail))
            except httpx.HTTPError as error:
                load.answered.append(Answered(due, time.perf_counter(), 0, "", repr(error)))

        async def arrive() -> None:
            began, number = time.perf_counter(), 0
            while True:
                due = began + number / per_second
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                task = asyncio.create_task(send(number, due))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                number += 1

        arrivals = asyncio.create_task(arrive())
        try:
            yield load
        finally:
            arrivals.cancel()
            await asyncio.gather(arrivals, return_exceptions=True)
            # Whoever was sent off is waited for: a request lost at the end is a request lost.
            await asyncio.gather(*tasks)
