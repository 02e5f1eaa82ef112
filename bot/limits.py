"""Rates: token buckets in memory, in the database or in Redis, and the one that strangers' messages pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.settings import Flood


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_s`` tokens a second, of which ``burst`` may be taken at once. Within t seconds: burst + per_s * t at most."""

    per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Want:
    """``tokens`` from the bucket called ``key``."""

    key: str
    rate: Rate
    tokens: int = 1


class Buckets(Protocol):
    """Token buckets by key, kept by the generic cell rate algorithm (ITU-T I.371): one number each."""

    async def take(self, wants: Sequence[Want]) -> tuple[float, ...]:
        """Take all of it, or nothing: seconds until each bucket could give; all zero means taken. Keys differ."""
        ...

    async def block(self, want: Want, seconds: float) -> None:
        """Give nothing from this bucket for so long, and then one token, not a burst."""
        ...


class FloodGate:
    """Whether somebody may be heard now."""

    def __init__(self, buckets: Buckets, flood: Flood) -> None: ...

    async def admit(self, user_id: int, chat_id: int) -> float:
        """0 when heard; otherwise the seconds after which they would be."""
        raise NotImplementedError
