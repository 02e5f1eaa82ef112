"""Telegram's flood limits: thirty messages a second in all, one a second in a chat, twenty a minute in a group."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the server puts up with. ``chat_burst``: messages a chat may get at once before the rate holds."""

    overall_per_second: int = 30
    chat_per_second: float = 1.0
    chat_burst: int = 5
    group_per_minute: int = 20
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the bot sent, for a drill to judge. Peaks are counts of messages within any such span."""

    messages: int
    refused: int
    impatient: int
    """Requests that came before the ``retry_after`` of an earlier refusal had passed."""
    overall_peak_per_second: int
    chat_peak_per_second: int
    group_peak_per_minute: int


@dataclass(slots=True)
class _Bucket:
    """A token bucket that may go into debt, so that an album is one decision and several messages."""

    capacity: float
    rate: float
    level: float
    stamp: float

    def wait(self, now: float) -> float:
        self.level = min(self.capacity, self.level + (now - self.stamp) * self.rate)
        self.stamp = now
        # Fractions of a message do not add up exactly in floating point.
        return 0.0 if self.level >= 1 - 1e-9 else (1 - self.level) / self.rate


@dataclass(slots=True)
class _Window:
    """What was sent within the last ``span`` seconds, and the most there ever was."""

    span: float
    times: deque[float] = field(default_factory=deque)
    peak: int = 0

    def add(self, now: float, count: int) -> None:
        self.times.extend([now] * count)
        self._forget(now)
        self.peak = max(self.peak, len(self.times))

    def wait(self, now: float, allowed: int, count: int) -> float:
        """Seconds until ``count`` more make no more than ``allowed``."""
        self._forget(now)
        surplus = min(len(self.times) + count - allowed, len(self.times))
        return self.times[surplus - 1] + self.span - now if surplus > 0 else 0.0

    def _forget(self, now: float) -> None:
        while self.times and self.times[0] <= now - self.span:
            self.times.popleft()


class FloodControl:
    """Admits messages or says how long to wait."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        rate = float(limits.overall_per_second)
        self._overall = _Bucket(rate, rate, rate, now)
        self._buckets: dict[int, _Bucket] = {}
        self._penalties: dict[int, float] = {}
        self._second = _Window(1.0)
        self._windows: dict[int, _Window] = {}
        self._messages = self._refused = self._impatient = 0

    def admit(self, chat_id: int, now: float, *, group: bool, messages: int = 1) -> int | None:
        """Count ``messages`` for this chat, or return the seconds to wait (rounded up) and count nothing."""
        window = self._windows.setdefault(chat_id, _Window(60.0 if group else 1.0))
        bucket = self._buckets.setdefault(chat_id, self._bucket(now))
        wait = 0.0
        if self._limits.enforced:
            chat_wait = window.wait(now, self._limits.group_per_minute, messages) if group else bucket.wait(now)
            wait = max(self._overall.wait(now), chat_wait)
        if now < self._penalties.get(chat_id, 0.0) - 1e-9:
            self._impatient += 1
        if wait > 0:
            self._refused += 1
            retry_after = math.ceil(wait)
            self._penalties[chat_id] = now + wait
            return retry_after
        self._penalties.pop(chat_id, None)
        self._overall.level -= messages
        # An album is one message to a person; a group's minute counts its pictures.
        bucket.level -= 1
        window.add(now, messages if group else 1)
        self._messages += messages
        self._second.add(now, messages)
        return None

    def traffic(self) -> Traffic:
        groups = [window.peak for window in self._windows.values() if window.span > 1]
        private = [window.peak for window in self._windows.values() if window.span <= 1]
        return Traffic(
            messages=self._messages,
            refused=self._refused,
            impatient=self._impatient,
            overall_peak_per_second=self._second.peak,
            chat_peak_per_second=max(private, default=0),
            group_peak_per_minute=max(groups, default=0),
        )

    def _bucket(self, now: float) -> _Bucket:
        burst = float(self._limits.chat_burst)
        return _Bucket(burst, self._limits.chat_per_second, burst, now)
