"""Load on a server: as fast as it answers (closed loop), or at a constant rate whatever it does (open loop).

In an open loop a request's time counts from when it was due, not from when it left: a server that stalls delays those
behind it, and that is to be seen.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import aiohttp
import numpy as np

PATIENCE_S = 60.0
# Shorter than the 5 s for which uvicorn keeps an idle connection: one that the server closes at the very moment it is
# used again is no answer that was owed.
_KEPT_S = 4.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: an HTTP status (0: nothing did), the version that answered, and what was said of a failure."""

    status: int
    model: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request. Times are of ``time.perf_counter``; ``due`` is when it was to leave, however late it did."""

    due: float
    ended: float
    status: int
    model: str = ""
    detail: str = ""

    @property
    def latency_s(self) -> float:
        return self.ended - self.due


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it, so far. 200 is the answer that counts."""

    answers: list[Answered] = field(default_factory=list)

    def since(self, began: float) -> Load:
        """The requests that were due after ``began``."""
        return Load([answer for answer in self.answers if answer.due >= began])

    @property
    def lost(self) -> list[Answered]:
        """Those that were not answered as they should have been."""
        return [answer for answer in self.answers if answer.status != 200]

    @property
    def failed(self) -> int:
        return len(self.lost)

    @property
    def milliseconds(self) -> list[float]:
        """The latencies of those that were answered."""
        return [answer.latency_s * 1000 for answer in self.answers if answer.status == 200]

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return max(answer.ended for answer in self.answers) - min(answer.due for answer in self.answers)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.milliseconds) / self.seconds

    def quantile(self, share: float) -> float:
        """The latency in milliseconds that this share of the answers stayed within; NaN without answers."""
        found = self.milliseconds
        return float(np.quantile(found, share, method="higher")) if found else float("nan")


Send = Callable[[int], Awaitable[Reply]]
"""Sends request number n, by whatever means."""

Ask = Callable[[aiohttp.ClientSession, int], Awaitable[Reply]]
"""Sends request number n over HTTP."""


def post(path: str, photos: Sequence[bytes], fields: dict[str, str], *, files: Sequence[str] = ("image",)) -> Ask:
    """Uploads of the photos in turn as multipart forms, each time by somebody else; as each of ``files`` one of them."""

    async def ask(http: aiohttp.ClientSession, number: int) -> Reply:
        form = aiohttp.FormData()
        for place, file in enumerate(files, start=number):
            form.add_field(file, photos[place % len(photos)], filename="photo.jpg", content_type="image/jpeg")
        for name, value in fields.items():
            form.add_field(name, value)
        async with http.post(path, data=form, headers={"X-User": f"user-{number}"}) as response:
            body = await response.read()
            detail = "" if response.ok else body.decode(errors="replace")
            return Reply(response.status, response.headers.get("x-model", ""), detail)

    return ask


def session(address: str) -> aiohttp.ClientSession:
    """Connections to ``address``, as many as are wanted at once."""
    return aiohttp.ClientSession(
        address,
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_S),
        timeout=aiohttp.ClientTimeout(total=PATIENCE_S),
    )


async def closed_loop(address: str, ask: Ask, *, clients: int, requests: int) -> Load:
    """``clients`` ask one request after the other until ``requests`` were made."""
    async with session(address) as http:
        return await saturate(partial(ask, http), clients=clients, requests=requests)


async def saturate(send: Send, *, clients: int, requests: int) -> Load:
    """A closed loop by whatever means."""
    load = Load()
    numbers = iter(range(requests))

    async def client() -> None:
        for number in numbers:
            load.answers.append(await _answered(send, number, time.perf_counter()))

    await asyncio.gather(*(client() for _ in range(clients)))
    return load


async def open_loop(address: str, ask: Ask, *, rate: float, seconds: float) -> Load:
    """``rate`` requests a second, evenly spaced."""
    load = Load()
    async with session(address) as http, asyncio.TaskGroup() as tasks:
        await _arrive(partial(ask, http), rate, range(round(rate * seconds)), load, tasks)
    return load


@asynccontextmanager
async def constant_arrival(send: Send, *, rate: float) -> AsyncIterator[Load]:
    """``rate`` requests a second until the block ends; what it yields fills meanwhile.

    Whoever was sent off is waited for: a request lost at the end is a request lost.
    """
    load = Load()
    async with asyncio.TaskGroup() as tasks:
        arrivals = tasks.create_task(_arrive(send, rate, itertools.count(), load, tasks))
        try:
            yield load
        finally:
            arrivals.cancel()


async def _arrive(send: Send, rate: float, numbers: Iterable[int], load: Load, tasks: asyncio.TaskGroup) -> None:
    began = time.perf_counter()

    async def one(number: int, due: float) -> None:
        load.answers.append(await _answered(send, number, due))

    for number in numbers:
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.create_task(one(number, due))


async def _answered(send: Send, number: int, due: float) -> Answered:
    try:
        reply = await send(number)
    except (aiohttp.ClientError, TimeoutError) as error:
        reply = Reply(0, detail=repr(error))
    return Answered(due, time.perf_counter(), reply.status, reply.model, reply.detail)
