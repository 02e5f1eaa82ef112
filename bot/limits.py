"""The gate that strangers' messages pass."""

from __future__ import annotations

from bot.settings import Flood
from serve_app.rates import Buckets, Rate, Want


class FloodGate:
    """Whether somebody may be heard now: a bucket for the person and one for the chat."""

    def __init__(self, buckets: Buckets, flood: Flood) -> None:
        self._buckets = buckets
        self._person = Rate(flood.per_minute / 60, flood.burst)
        self._chat = Rate(flood.chat_per_minute / 60, flood.chat_burst)

    async def admit(self, user_id: int, chat_id: int) -> float:
        """0 when heard; otherwise the seconds after which they would be."""
        wants = [Want(f"in:user:{user_id}", self._person)]
        if chat_id != user_id:
            wants.append(Want(f"in:chat:{chat_id}", self._chat))
        return max(await self._buckets.take(wants))
