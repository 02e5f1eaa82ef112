"""Token buckets of one process, for tests of what takes from them."""

from __future__ import annotations

from collections.abc import Sequence

from serve_app.rates import Clock, Want


class MemoryBuckets:
    """:class:`serve_app.rates.Buckets` in a dictionary."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._arrivals: dict[str, float] = {}

    async def take(self, wants: Sequence[Want]) -> tuple[float, ...]:
        now = self._clock()
        waits = tuple(want.wait(self._arrivals.get(want.key, 0.0), now) for want in wants)
        if not any(waits):
            self._arrivals |= {want.key: want.taken(self._arrivals.get(want.key, 0.0), now) for want in wants}
        return waits

    async def wait(self, want: Want) -> float:
        return want.wait(self._arrivals.get(want.key, 0.0), self._clock())

    async def block(self, want: Want, seconds: float) -> None:
        self._arrivals[want.key] = want.blocked(self._arrivals.get(want.key, 0.0), self._clock(), seconds)
