"""Telegram's limits on what a bot sends: 30 messages a second in all, one a second to a person, 20 a minute to a group.

Every chat has a lane in which messages keep their order. Only the head of a lane competes for the overall rate, and the
heads take turns, so a chat with fifty messages to come holds nobody up.

News (what people are told while they wait) leaves in lulls: when no answer wants the room. Whoever has news to tell
waits for a lull first and looks up what to say then, so that nothing grows old while it waits for its turn.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from bot.delivery.messages import Flooded
from serve_app.rates import Buckets, Rate, Want

# Telegram takes thirty within any second. Burst and rate come to four less: some messages travel longer than others, and
# arrive together with those after them (in a drill of a thousand people up to five more in a second than had left).
OVERALL = Rate(25.0, 1)
PERSON = Rate(1.0, 3)
# An album of ten at once when nothing went before, and still at most twenty within any minute.
GROUP = Rate(10 / 60, 10)
# Of the above; the rest is for answers, in whichever replica they wait.
NEWS = Rate(12.0, 3)

LONGEST_WAIT_S = 30.0
"""Whoever is told to wait for longer had better do something else meanwhile; the chat, or the method, stays blocked."""

# Refusals in so many chats within a second mean that it is the bot that is too loud, not one of its chats.
LOUD_CHATS = 3

RETURN_S = 1.0
"""Whoever was told how long to wait for a chat comes back so soon after that."""


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Limiter:
    """Says when a message may leave. ``clock`` and ``sleep`` are those of the buckets' time."""

    def __init__(
        self,
        buckets: Buckets,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._buckets = buckets
        self._clock = clock
        self._sleep = sleep
        self._lanes: dict[int | str, _Lane] = {}
        self._expected: dict[int | str, float] = {}
        self._turnstile = asyncio.Lock()
        self._passing = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._refusals: deque[tuple[float, int | str]] = deque()

    async def acquire(self, chat_id: int | str, messages: int = 1) -> None:
        """Return when ``messages`` (an album's pictures) may be sent to this chat, in the order of the calls.

        Raises ``Flooded`` when Telegram wants this chat, or everybody, left alone for longer than :data:`LONGEST_WAIT_S`.
        """
        chat = _chat(chat_id, messages)
        async with self._lane(chat_id):
            while (wait := await self._pass(_overall(messages), chat)) > 0:
                # An album's own length is no pause of Telegram's.
                if wait - (chat.tokens - 1) / chat.rate.per_s > LONGEST_WAIT_S:
                    raise Flooded(wait)
                await self._sleep(wait)

    async def wait(self, chat_id: int | str, messages: int = 1) -> float:
        """Seconds that an answer would wait for room in this chat, behind those who wait there now.

        Nothing is taken, but no news enters the chat until whoever asked can have come back. More than a chat takes at once
        is not looked ahead: a minute, unless Telegram demanded a pause.
        """
        lane, want = self._lanes.get(chat_id), _chat(chat_id, messages)
        wait = await self._buckets.wait(replace(want, tokens=want.tokens + (lane.users if lane is not None else 0)))
        if wait > 0:
            now = self._clock()
            self._expected = {chat: until for chat, until in self._expected.items() if until > now}
            self._expected[chat_id] = now + wait + RETURN_S
        return wait

    async def lull(self) -> None:
        """Return when there is room for one message of news that no answer wants; the room is taken.

        Whether its chat can take it, :meth:`enter` says.
        """
        while True:
            await self._idle.wait()
            wait = max(await self._buckets.take((_overall(1), Want("out:news", NEWS))))
            if wait == 0:
                return
            await self._sleep(wait)

    async def enter(self, chat_id: int | str) -> bool:
        """Whether a message that has found its lull may go to this chat now: it waits for nothing, and overtakes nobody."""
        if chat_id in self._lanes or self._expected.get(chat_id, 0.0) > self._clock():
            return False
        return not any(await self._buckets.take((_chat(chat_id, 1),)))

    async def refused(self, chat_id: int | str, retry_after: float) -> None:
        """Telegram answered 429: leave this chat alone for so long, or everybody when several chats are refused."""
        now = self._clock()
        self._refusals.append((now, chat_id))
        while self._refusals[0][0] < now - 1:
            self._refusals.popleft()
        await self._buckets.block(_chat(chat_id, 1), retry_after)
        if len({chat for _, chat in self._refusals}) >= LOUD_CHATS:
            await self._buckets.block(_overall(1), retry_after)

    async def _pass(self, overall: Want, chat: Want) -> float:
        """Go through the turnstile: 0, or the seconds that the chat still has to wait."""
        async with self._before_news(), self._turnstile:
            while True:
                overall_wait, chat_wait = await self._buckets.take((overall, chat))
                if chat_wait > 0:
                    return chat_wait
                if overall_wait == 0:
                    break
                if overall_wait > LONGEST_WAIT_S:
                    raise Flooded(overall_wait)
                # Everybody needs what we wait for here, so nobody is held up by our standing in the way.
                await self._sleep(overall_wait)
            if overall.tokens > 1:
                # The album arrives in the middle of the time it takes up.
                await self._sleep((overall.tokens - 1) / 2 / overall.rate.per_s)
            return 0.0

    @asynccontextmanager
    async def _before_news(self) -> AsyncIterator[None]:
        self._passing += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._passing -= 1
            if self._passing == 0:
                self._idle.set()

    @asynccontextmanager
    async def _lane(self, chat_id: int | str) -> AsyncIterator[None]:
        lane = self._lanes.setdefault(chat_id, _Lane())
        lane.users += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.users -= 1
            if lane.users == 0:
                del self._lanes[chat_id]


def _overall(messages: int) -> Want:
    """What the bot as a whole can send.

    An album arrives all at once, so the time that its other pictures would have taken is kept free before it as well as
    after it: whatever second one looks at, it holds no more than thirty.
    """
    return Want("out", OVERALL, 2 * messages - 1)


def _chat(chat_id: int | str, messages: int) -> Want:
    """What a chat can take. An album is one message to a person, while a group's minute counts its pictures."""
    # Groups and channels have negative ids, or names.
    private = isinstance(chat_id, int) and chat_id > 0
    return Want(f"out:{chat_id}", PERSON) if private else Want(f"out:{chat_id}", GROUP, messages)
