"""How much of what a person, or a chat, sends is listened to."""

from __future__ import annotations

from bot.settings import FloodLimits
from serve_app.rates import Buckets, Rate, Want

ALBUM_S = 600.0
"""The parts of an album come within seconds, or again some minutes later where they could not be handled before."""


class FloodGate:
    """Whether somebody may be heard now: a bucket for the person and one for the chat, and one for inline queries.

    An album, whose parts come one by one, counts once. What marks it as heard is a bucket that gives one token only.
    """

    def __init__(self, buckets: Buckets, flood: FloodLimits) -> None:
        self._buckets = buckets
        self._person = Rate(flood.per_minute / 60, flood.burst)
        self._chat = Rate(flood.chat_per_minute / 60, flood.chat_burst)

    async def admit_inline(self, user_id: int) -> float:
        """As :meth:`admit`, for what somebody types behind the bot's name: Telegram asks at every letter."""
        return max(await self._buckets.take([Want(f"in:inline:{user_id}", self._person)]))

    async def admit(self, user_id: int, chat_id: int, album: str | None = None) -> float:
        """0 when heard; otherwise the seconds after which they would be. ``album`` is Telegram's ``media_group_id``."""
        wants = [Want(f"in:user:{user_id}", self._person)]
        if chat_id != user_id:
            wants.append(Want(f"in:chat:{chat_id}", self._chat))
        if album is None:
            return max(await self._buckets.take(wants))
        *waits, heard = await self._buckets.take([*wants, Want(f"in:album:{chat_id}:{album}", Rate(1 / ALBUM_S, 1))])
        return 0.0 if heard else max(waits)
