"""What the bot has yet to hear: updates in order, each with its time to live, handed out by long polling."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.playground.clock import Clock
from bot.playground.telegram.errors import ApiError, conflict

KINDS = (
    "message",
    "edited_message",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "pre_checkout_query",
    "my_chat_member",
    "chat_member",
    "subscription",
    "message_reaction",
    "message_reaction_count",
)
_ON_REQUEST = {"chat_member", "message_reaction", "message_reaction_count"}
_AT_ONCE_S, _SOON_S = 0.5, 3.0
_NEAR = 10
"""What is asked for so far beyond the next update is of another count, and the server answers from the beginning."""
_COUNT = 2**30
"""Updates are numbered from the milliseconds of twelve days: no run catches up with a later one, and 32 bits hold them."""
DEFAULT_KINDS = frozenset(KINDS) - _ON_REQUEST


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """One update. Updates of the same ``lane`` (a chat, a person's taps) are for the bot to hear in order.

    Times are in seconds since the epoch; ``due`` lies in the future only for a repetition.
    """

    id: int
    kind: str
    body: dict[str, Any]
    lane: str
    due: float
    expires_at: float

    def json(self) -> dict[str, Any]:
        return {"update_id": self.id, self.kind: self.body}


class UpdateQueue:
    """Updates nobody has confirmed yet.

    ``repeats`` says after how many seconds an update is to be delivered again, confirmed or not.
    """

    def __init__(self, clock: Clock, repeats: Callable[[int], list[float]]) -> None:
        self._clock = clock
        self._repeats = repeats
        # Bots remember for days which updates they saw, so another run of the server must not start where one did before.
        self._next_id = 1 + int(clock.time() * 1000) % _COUNT
        self._pending: dict[int, Update] = {}
        self._again: list[Update] = []
        self.allowed: frozenset[str] = DEFAULT_KINDS
        self.listeners: list[Callable[[Update], None]] = []

    def __len__(self) -> int:
        return len(self._pending)

    def allow(self, kinds: list[str] | None) -> None:
        """Which kinds to queue from now on: None leaves it as it was, an empty list means Telegram's default."""
        if kinds is not None:
            self.allowed = frozenset(str(kind).lower() for kind in kinds) & frozenset(KINDS) or DEFAULT_KINDS

    def push(self, kind: str, body: dict[str, Any], *, lane: str, lifetime: float) -> Update | None:
        """Queue an update, or nothing where the bot has not asked for this kind."""
        if kind not in self.allowed:
            return None
        now = self._clock.time()
        update = Update(self._next_id, kind, body, lane, now, now + lifetime)
        self._next_id += 1
        self._pending[update.id] = update
        again = [
            Update(update.id, kind, body, f"again/{update.id}/{number}", now + delay, now + lifetime)
            for number, delay in enumerate(self._repeats(update.id))
        ]
        self._again.extend(again)
        for queued in (update, *again):
            for listener in self.listeners:
                listener(queued)
        return update

    def outstanding(self) -> list[Update]:
        """Everything still to be delivered, repetitions included."""
        return [*self._pending.values(), *self._again]

    def drop(self, update: Update) -> None:
        """Forget an update that was delivered or has expired."""
        if update in self._again:
            self._again.remove(update)
        else:
            self._pending.pop(update.id, None)

    def clear(self) -> None:
        self._pending.clear()
        self._again.clear()

    def take(self, offset: int, limit: int) -> list[Update]:
        """What getUpdates answers: everything below ``offset`` is confirmed and gone.

        A negative offset keeps only so many of the newest; one far beyond them confirms nothing.
        """
        if offset < 0:
            for old in list(self._pending)[:offset]:
                del self._pending[old]
        elif offset <= self._next_id + _NEAR:
            for old in [known for known in self._pending if known < offset]:
                del self._pending[old]
        now = self._clock.time()
        for expired in [update for update in self.outstanding() if update.expires_at <= now]:
            self.drop(expired)
        # Bots confirm everything below the last they got, so a repetition must not run ahead of what is unconfirmed.
        first = next(iter(self._pending), self._next_id)
        repeated = [update for update in self._again if update.due <= now and update.id < first][:limit]
        for update in repeated:
            self._again.remove(update)
        return sorted([*repeated, *list(self._pending.values())[: limit - len(repeated)]], key=lambda update: update.id)

    def next_due(self) -> float | None:
        """When a repetition becomes due that is not yet."""
        now = self._clock.time()
        return min((update.due for update in self._again if update.due > now), default=None)


class LongPoll:
    """The one getUpdates request that may wait for updates to come."""

    def __init__(self, queue: UpdateQueue, clock: Clock) -> None:
        self._queue = queue
        self._clock = clock
        self._waiting: asyncio.Future[None] | None = None
        self._asked: dict[int, float] = {}
        queue.listeners.append(lambda _: self._wake())

    @property
    def waiting(self) -> bool:
        """Whether a request waits right now."""
        return self._waiting is not None

    async def get(self, offset: int, limit: int, timeout_s: float) -> list[dict[str, Any]]:
        """Answer at once if there is anything, else after ``timeout_s`` seconds at the latest.

        Whoever asks for the same again too soon is given one update, or waits for a while where there is none.
        """
        now = self._clock.time()
        since, self._asked = now - self._asked.get(offset, -math.inf), {offset: now}
        if since < _SOON_S:
            timeout_s = max(timeout_s, _SOON_S)
        if since < _AT_ONCE_S:
            limit = 1
        deadline = now + timeout_s
        updates = self._queue.take(offset, limit)
        if not updates and timeout_s > 0:
            other = "terminated by other getUpdates request; make sure that only one bot instance is running"
            self.abort(conflict(other))
            while not updates and (left := deadline - self._clock.time()) > 0:
                await self._wait(left)
                updates = self._queue.take(max(offset, 0), limit)
        return [update.json() for update in updates]

    def abort(self, reason: ApiError) -> None:
        """Answer the waiting request, if any, with this."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(reason)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def _wait(self, left: float) -> None:
        waiting = self._waiting = asyncio.get_running_loop().create_future()
        due = self._queue.next_due()
        if due is not None:
            left = min(left, due - self._clock.time())
        timer = asyncio.ensure_future(self._clock.sleep(left))
        try:
            await asyncio.wait({waiting, timer}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
        finally:
            timer.cancel()
            if self._waiting is waiting:
                self._waiting = None
