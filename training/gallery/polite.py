"""HTTP as public services ask for it: one request at a time, with pauses, a name and patience."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, Final, Self

import aiohttp

from training.failures import Failure

_ATTEMPTS: Final = 6
_BACKOFF_S: Final = 5.0
_LONGEST_WAIT_S: Final = 300.0
_TRY_LATER: Final = frozenset({429, 500, 502, 503, 504})
_CHUNK: Final = 65_536


class Unreachable(Failure):
    """A service does not answer, or not with what it should, and asking again did not help."""


class NotThere(Unreachable):
    """Just the one thing asked for cannot be had; others may."""


class Polite:
    """A client that never asks twice at a time, waits between requests, and as long as it is told to."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        pause_s: float = 1.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._pause_s = pause_s
        self._sleep = sleep
        self._clock = clock
        self._next = clock()
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def session(cls, contact: str, pause_s: float = 1.0) -> AsyncIterator[Self]:
        """A client that names this program and ``contact`` with every request, as Wikimedia's rules ask."""
        headers = {"User-Agent": f"Masquerade/{version('masquerade')} ({contact})"}
        timeout = aiohttp.ClientTimeout(total=120, sock_connect=20)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            yield cls(session, pause_s)

    async def json(self, url: str, parameters: Mapping[str, str], most_bytes: int = 64 * 2**20) -> Any:
        """The JSON document at ``url``. A MediaWiki server that lags behind is asked again later.

        Raises :class:`Unreachable`.
        """

        async def read(response: aiohttp.ClientResponse) -> Any:
            body = await _limited(response, most_bytes)
            try:
                return json.loads(body)
            except ValueError as error:
                raise Unreachable(f"{_place(url)} did not answer with JSON") from error

        return await self._asked(url, parameters, "application/json", read)

    async def data(self, url: str, most_bytes: int) -> bytes:
        """The bytes at ``url``.

        Raises :class:`NotThere` when there are none or more than ``most_bytes``, and :class:`Unreachable`.
        """

        async def read(response: aiohttp.ClientResponse) -> bytes:
            return await _limited(response, most_bytes)

        body: bytes = await self._asked(url, {}, "*/*", read)
        return body

    async def _asked(
        self,
        url: str,
        parameters: Mapping[str, str],
        accept: str,
        read: Callable[[aiohttp.ClientResponse], Awaitable[Any]],
    ) -> Any:
        reason = ""
        for attempt in range(_ATTEMPTS):
            wait = _BACKOFF_S * 2**attempt
            async with self._turn:
                await self._sleep(max(self._next - self._clock(), 0))
                try:
                    async with self._session.get(url, params=parameters, headers={"Accept": accept}) as response:
                        if response.status == 200:
                            answer = await read(response)
                            if not _lags(answer):
                                return answer
                            reason = "its database lags behind"
                        elif response.status in _TRY_LATER:
                            reason = f"it answers {response.status}"
                        else:
                            raise NotThere(f"{_place(url)} answers {response.status} {response.reason}")
                        wait = _told(response.headers.get("Retry-After"), wait)
                except (aiohttp.ClientError, TimeoutError) as error:
                    reason = str(error) or type(error).__name__
                finally:
                    self._next = self._clock() + self._pause_s
                self._next = self._clock() + max(min(wait, _LONGEST_WAIT_S), self._pause_s)
        raise Unreachable(f"{_place(url)} could not be used: {reason}")


async def _limited(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    parts: list[bytes] = []
    length = 0
    async for part in response.content.iter_chunked(_CHUNK):
        length += len(part)
        if length > most_bytes:
            raise NotThere(f"{_place(str(response.url))} answers with more than {most_bytes / 2**20:.0f} MB")
        parts.append(part)
    return b"".join(parts)


def _lags(answer: Any) -> bool:
    """MediaWiki's answer to ``maxlag``: status 200 and an error inside."""
    return isinstance(answer, dict) and isinstance(error := answer.get("error"), dict) and error.get("code") == "maxlag"


def _told(header: str | None, otherwise: float) -> float:
    """Seconds to wait by a ``Retry-After`` header, which holds seconds or a date."""
    if header is None:
        return otherwise
    if header.strip().isdecimal():
        return float(header)
    try:
        return max((parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds(), 0.0)
    except (TypeError, ValueError):
        return otherwise


def _place(url: str) -> str:
    return url.split("?", 1)[0]
