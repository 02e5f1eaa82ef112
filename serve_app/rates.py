"""Rates: token buckets in the database or in Redis.

The buckets follow the generic cell rate algorithm (ITU-T I.371): one number each, the theoretical arrival time.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from serve_app.database import Base

if TYPE_CHECKING:
    # Its client is loaded where Redis is configured.
    from redis.asyncio import Redis

Clock = Callable[[], float]

# Floating-point sums near today's Unix time are exact to much less than this.
EPSILON_S = 1e-5

_PREFIX = "masquerade:rate:"


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_s`` tokens a second, of which ``burst`` may be taken at once: within t seconds, burst + per_s * t at most."""

    per_s: float
    burst: int


@dataclass(frozen=True, slots=True)
class Want:
    """``tokens`` from the bucket called ``key``.

    More than a burst can hold are given as soon as the bucket is full, and whoever comes next waits the longer.
    """

    key: str
    rate: Rate
    tokens: int = 1

    def wait(self, arrival: float, now: float) -> float:
        """Seconds until the bucket can give this."""
        slack = max(0, self.rate.burst - self.tokens) / self.rate.per_s
        wait = arrival - now - slack
        return wait if wait > EPSILON_S else 0.0

    def taken(self, arrival: float, now: float) -> float:
        """The bucket's number after it gave this."""
        return max(arrival, now) + self.tokens / self.rate.per_s

    def blocked(self, arrival: float, now: float, seconds: float) -> float:
        """The bucket's number when it gives nothing for so long, and then one token rather than a burst."""
        return max(arrival, now + seconds + (self.rate.burst - 1) / self.rate.per_s)


class Buckets(Protocol):
    """Token buckets by key."""

    async def take(self, wants: Sequence[Want]) -> tuple[float, ...]:
        """Take all of it, or nothing: seconds until each bucket could give; all zero means taken. Keys differ."""
        ...

    async def wait(self, want: Want) -> float:
        """Seconds until the bucket could give this; nothing is taken."""
        ...

    async def block(self, want: Want, seconds: float) -> None:
        """Give nothing from this bucket for so long, and then one token, not a burst."""
        ...


class RateBucket(Base):
    """A token bucket as one number: the theoretical arrival time of the generic cell rate algorithm."""

    __tablename__ = "rate_buckets"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    arrival: Mapped[float]


class SqlBuckets:
    """Buckets that all replicas share through the database."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, clock: Clock = time.time) -> None:
        self._sessions = sessions
        self._clock = clock

    async def take(self, wants: Sequence[Want]) -> tuple[float, ...]:
        async with self._locked([want.key for want in wants]) as rows:
            now = self._clock()
            waits = tuple(want.wait(rows[want.key].arrival, now) for want in wants)
            if not any(waits):
                for want in wants:
                    rows[want.key].arrival = want.taken(rows[want.key].arrival, now)
        return waits

    async def wait(self, want: Want) -> float:
        statement = select(RateBucket.arrival).where(RateBucket.key == want.key)
        async with self._sessions() as session:
            arrival = (await session.execute(statement)).scalar_one_or_none()
        return want.wait(arrival or 0.0, self._clock())

    async def block(self, want: Want, seconds: float) -> None:
        async with self._locked([want.key]) as rows:
            row = rows[want.key]
            row.arrival = want.blocked(row.arrival, self._clock(), seconds)

    @asynccontextmanager
    async def _locked(self, keys: Sequence[str]) -> AsyncIterator[dict[str, RateBucket]]:
        """The buckets' rows, until the block's end nobody else's.

        They are locked in the order of their keys, and those that are missing are made in transactions of their own, while
        nothing is locked: so no two replicas ever wait for each other.
        """
        statement = select(RateBucket).where(RateBucket.key.in_(keys)).order_by(RateBucket.key).with_for_update()
        while True:
            async with self._sessions.begin() as session:
                rows = {row.key: row for row in (await session.execute(statement)).scalars()}
                if len(rows) == len(set(keys)):
                    yield rows
                    return
            for key in sorted(set(keys) - set(rows)):
                # Another replica may make it at the same moment; the next look finds it.
                with suppress(IntegrityError):
                    async with self._sessions.begin() as session:
                        session.add(RateBucket(key=key, arrival=0.0))


TAKE = """
local now, waits, free = tonumber(ARGV[1]), {}, true
for i, key in ipairs(KEYS) do
  local arrival = tonumber(redis.call('GET', key) or '0')
  local wait = arrival - now - tonumber(ARGV[2 * i])
  if wait <= tonumber(ARGV[#ARGV]) then wait = 0 else free = false end
  waits[i] = string.format('%.6f', wait)
end
if free then
  for i, key in ipairs(KEYS) do
    local arrival = math.max(tonumber(redis.call('GET', key) or '0'), now) + tonumber(ARGV[2 * i + 1])
    redis.call('SET', key, string.format('%.6f', arrival), 'EX', math.ceil(arrival - now) + 1)
  end
end
return waits
"""

BLOCK = """
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('%.6f', arrival), 'EX', math.ceil(arrival - tonumber(ARGV[1])) + 1)
"""


class RedisBuckets:
    """Buckets that all replicas share through Redis; they disappear by themselves when they are full again.

    All methods raise ``ConnectionError`` when Redis does not answer: an ``OSError``, as where a database is away.
    """

    def __init__(self, redis: Redis, *, clock: Clock = time.time) -> None:
        self._redis = redis
        self._clock = clock
        self._take = redis.register_script(TAKE)
        self._block = redis.register_script(BLOCK)

    async def take(self, wants: Sequence[Want]) -> tuple[float, ...]:
        arguments: list[float] = [self._clock()]
        for want in wants:
            slack = max(0, want.rate.burst - want.tokens) / want.rate.per_s
            arguments += [slack, want.tokens / want.rate.per_s]
        with _reached():
            waits = await self._take(keys=[_PREFIX + want.key for want in wants], args=[*arguments, EPSILON_S])
        return tuple(float(wait) for wait in waits)

    async def wait(self, want: Want) -> float:
        with _reached():
            arrival = await self._redis.get(_PREFIX + want.key)
        return want.wait(float(arrival or 0.0), self._clock())

    async def block(self, want: Want, seconds: float) -> None:
        now = self._clock()
        with _reached():
            await self._block(keys=[_PREFIX + want.key], args=[now, want.blocked(0.0, now, seconds)])


@contextmanager
def _reached() -> Iterator[None]:
    """The block speaks to Redis, whose client's errors are of no kind that others know."""
    from redis.exceptions import RedisError

    try:
        yield
    except RedisError as error:
        raise ConnectionError(f"Redis does not answer: {error}") from error
