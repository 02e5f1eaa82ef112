"""Load on an HTTP server: as fast as it answers (closed loop), or at a constant rate whatever it does (open loop)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiohttp
import numpy as np

Ask = Callable[[aiohttp.ClientSession, int], Awaitable[bool]]
"""Sends request number n; whether it was answered as it should be."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it. ``milliseconds`` are those of the answered requests; ``failed`` counts the others."""

    milliseconds: tuple[float, ...]
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds

    def quantile(self, share: float) -> float:
        """The latency that this share of the answers stayed within; NaN without answers."""
        return float(np.quantile(self.milliseconds, share)) if self.milliseconds else float("nan")


def post(path: str, photos: Sequence[bytes], fields: dict[str, str], *, field: str = "image") -> Ask:
    """Uploads of the photos in turn as multipart forms; 200 is the answer that counts."""

    async def ask(session: aiohttp.ClientSession, number: int) -> bool:
        form = aiohttp.FormData()
        form.add_field(field, photos[number % len(photos)], filename="photo.jpg", content_type="image/jpeg")
        for name, value in fields.items():
            form.add_field(name, value)
        async with session.post(path, data=form) as response:
            await response.read()
            return response.status == 200

    return ask


async def closed_loop(address: str, ask: Ask, *, clients: int, requests: int) -> Load:
    """``clients`` ask one request after the other until ``requests`` were made."""
    times: list[float] = []
    numbers = iter(range(requests))

    async def client(session: aiohttp.ClientSession) -> int:
        failed = 0
        for number in numbers:
            began = time.perf_counter()
            if await _asked(ask, session, number):
                times.append((time.perf_counter() - began) * 1000)
            else:
                failed += 1
        return failed

    async with _session(address) as session:
        began = time.perf_counter()
        failed = sum(await asyncio.gather(*(client(session) for _ in range(clients))))
        return Load(tuple(times), failed, time.perf_counter() - began)


async def open_loop(address: str, ask: Ask, *, rate: float, seconds: float) -> Load:
    """``rate`` requests a second, evenly spaced.

    A request's time counts from when it was due, not from when it left: a server that stalls delays those behind it.
    """
    times: list[float] = []
    async with _session(address) as session:
        began = time.perf_counter()

        async def due(number: int) -> bool:
            planned = began + number / rate
            await asyncio.sleep(planned - time.perf_counter())
            answered = await _asked(ask, session, number)
            if answered:
                times.append((time.perf_counter() - planned) * 1000)
            return answered

        answered = await asyncio.gather(*(due(number) for number in range(round(rate * seconds))))
        return Load(tuple(times), answered.count(False), time.perf_counter() - began)


async def _asked(ask: Ask, session: aiohttp.ClientSession, number: int) -> bool:
    try:
        return await ask(session, number)
    except (aiohttp.ClientError, TimeoutError):
        return False


def _session(address: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        address, connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60)
    )
