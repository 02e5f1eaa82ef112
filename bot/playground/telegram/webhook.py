"""Updates brought to the bot: retried with growing pauses until it answers 2xx, in order within each lane."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.playground.clock import Clock
from bot.playground.telegram.updates import DEFAULT_KINDS, Update, UpdateQueue

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
_FIRST_DELAY = 1.0
_MAX_DELAY = 60.0
_MAX_RETRY_AFTER = 3600.0
_REPLY_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """What setWebhook asked for."""

    url: str
    secret_token: str = ""
    max_connections: int = 40


@dataclass(slots=True)
class _Lane:
    updates: deque[Update] = field(default_factory=deque)
    delay: float = _FIRST_DELAY
    failures: int = 0


class Webhook:
    """One webhook for as long as it is set."""

    def __init__(self, settings: WebhookSettings, queue: UpdateQueue, clock: Clock) -> None:
        self.settings = settings
        self.last_error: tuple[int, str] | None = None
        self._queue = queue
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}
        self._due: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._news = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_REPLY_TIMEOUT))
        for update in queue.outstanding():
            self._enqueue(update)
        queue.listeners.append(self._enqueue)
        self._task = asyncio.create_task(self._run())

    @property
    def failures(self) -> int:
        """Failed attempts at the updates that are next in their lanes."""
        return sum(lane.failures for lane in self._lanes.values())

    def json(self) -> dict[str, Any]:
        """What getWebhookInfo says."""
        info: dict[str, Any] = {
            "url": self.settings.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._queue),
            "max_connections": self.settings.max_connections,
        }
        if self.last_error is not None:
            info["last_error_date"], info["last_error_message"] = self.last_error
        if self._queue.allowed != DEFAULT_KINDS:
            info["allowed_updates"] = sorted(self._queue.allowed)
        return info

    async def close(self) -> None:
        """Stop delivering; what is under way is broken off and stays undelivered."""
        self._queue.listeners.remove(self._enqueue)
        tasks = [self._task, *self._sending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.close()

    def _enqueue(self, update: Update) -> None:
        lane = self._lanes.setdefault(update.lane, _Lane())
        lane.updates.append(update)
        if len(lane.updates) == 1:
            self._schedule(update.lane, update.due)

    def _schedule(self, lane: str, due: float) -> None:
        heapq.heappush(self._due, (due, next(self._order), lane))
        self._news.set()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            now = self._clock.time()
            while self._due and self._due[0][0] <= now and len(self._sending) < self.settings.max_connections:
                _, _, lane = heapq.heappop(self._due)
                task = asyncio.create_task(self._deliver(lane))
                self._sending.add(task)
                task.add_done_callback(self._finished)
            await self._sleep_until_next()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._news.set()

    async def _sleep_until_next(self) -> None:
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._news.wait())}
        if self._due and len(self._sending) < self.settings.max_connections:
            waits.add(asyncio.ensure_future(self._clock.sleep(self._due[0][0] - self._clock.time())))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _deliver(self, name: str) -> None:
        lane = self._lanes[name]
        update = lane.updates[0]
        problem, retry_after = ("", 0.0)
        if update.expires_at > self._clock.time():
            problem, retry_after = await self._post(update)
        if problem:
            self.last_error = int(self._clock.time()), problem
            # The second attempt is immediate, as Telegram's is; the pauses grow from the third on.
            wait = retry_after
            if not retry_after and lane.failures > 0:
                lane.delay = min(lane.delay * 2, _MAX_DELAY)
                wait = lane.delay
            if self._clock.time() + wait <= update.expires_at:
                lane.failures += 1
                self._schedule(name, self._clock.time() + wait)
                return
        self._next_in(name, lane, update)

    def _next_in(self, name: str, lane: _Lane, done: Update) -> None:
        self._queue.drop(done)
        lane.updates.popleft()
        lane.delay, lane.failures = _FIRST_DELAY, 0
        if lane.updates:
            self._schedule(name, lane.updates[0].due)
        else:
            del self._lanes[name]

    async def _post(self, update: Update) -> tuple[str, float]:
        """Deliver once: "" or what went wrong, and the seconds the bot asked to be left alone for."""
        headers = {SECRET_HEADER: self.settings.secret_token} if self.settings.secret_token else {}
        try:
            async with self._http.post(self.settings.url, json=update.json(), headers=headers) as response:
                if response.ok and response.status < 300:
                    return "", 0.0
                asked = response.headers.get("Retry-After", "")
                retry_after = min(float(asked), _MAX_RETRY_AFTER) if asked.isdigit() else 0.0
                return f"Wrong response from the webhook: {response.status} {response.reason}", retry_after
        except (aiohttp.ClientError, OSError) as error:
            connecting = isinstance(error, aiohttp.ClientConnectorError)
            return "Connection refused" if connecting else "Webhook connection closed", 0.0
        except TimeoutError:
            return "Read timeout expired", 0.0
