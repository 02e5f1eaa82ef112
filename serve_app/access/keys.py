"""API keys: minting, remembering and looking them up.

A key is ``mq_<id>_<secret>``: the id is public and finds the row, the secret is 256 random bits of which only the
SHA-256 is stored. A slow password hash would add nothing: there is no dictionary of random secrets to try.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import JSON, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from serve_app.access.scopes import SCOPES
from serve_app.database import Base
from serve_app.rates import Rate

Clock = Callable[[], float]

FORM = re.compile(r"mq_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
NAME = re.compile(r"[\w .@-]{1,64}")
# "Last used" is for operators who tidy up; a write for every call would cost more than it tells.
USED_PRECISION_S = 60.0


class ApiKey(Base):
    """One key, without what makes it one: ``digest`` is the SHA-256 of its secret. Times are Unix seconds."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    per_minute: Mapped[int]
    burst: Mapped[int]
    created: Mapped[float]
    used: Mapped[float | None]
    revoked: Mapped[float | None]


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; nothing here lets anybody in. Times are Unix seconds."""

    id: str
    name: str
    scopes: tuple[str, ...]
    rate: Rate
    created: float
    used: float | None
    revoked: float | None


class KeyBook:
    """All keys of a studio."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *, clock: Clock = time.time) -> None:
        self._sessions = sessions
        self._clock = clock

    async def issue(self, name: str, scopes: Sequence[str], *, per_minute: int, burst: int) -> tuple[Key, str]:
        """A new key and its text, which is told this once. Raises ``ValueError`` with what is wrong in a sentence."""
        if not NAME.fullmatch(name):
            raise ValueError("A key's name is 1 to 64 letters, digits, spaces or . @ _ -")
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise ValueError(f"There is no scope {unknown[0]!r}; there are {', '.join(SCOPES)}.")
        if not scopes:
            raise ValueError("A key without a scope opens nothing.")
        if per_minute < 1 or burst < 1:
            raise ValueError("A key's rate and burst are at least 1.")
        secret = secrets.token_urlsafe(32)
        row = ApiKey(
            id=secrets.token_hex(6), name=name, digest=_digest(secret), scopes=sorted(set(scopes)),
            per_minute=per_minute, burst=burst, created=self._clock(), used=None, revoked=None,
        )  # fmt: skip
        async with self._sessions.begin() as session:
            session.add(row)
        return _key(row), f"mq_{row.id}_{secret}"

    async def all(self) -> list[Key]:
        """Every key ever issued, oldest first."""
        async with self._sessions() as session:
            return [_key(row) for row in (await session.execute(select(ApiKey).order_by(ApiKey.created))).scalars()]

    async def revoke(self, key_id: str) -> bool:
        """Let a key open nothing from now on. False when there is no such key, or no longer."""
        statement = update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked.is_(None)).values(revoked=self._clock())
        async with self._sessions.begin() as session:
            return bool((await session.execute(statement.returning(ApiKey.id))).first())

    async def find(self, text: str) -> Key | None:
        """The key that was shown, if it is one of ours and still good."""
        shown = FORM.fullmatch(text)
        if shown is None:
            return None
        key_id, secret = shown.groups()
        async with self._sessions() as session:
            row = await session.get(ApiKey, key_id)
        if row is None or row.revoked is not None or not hmac.compare_digest(row.digest, _digest(secret)):
            return None
        now = self._clock()
        if row.used is None or now - row.used > USED_PRECISION_S:
            async with self._sessions.begin() as session:
                await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(used=now))
        return _key(row)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: ApiKey) -> Key:
    rate = Rate(row.per_minute / 60, row.burst)
    return Key(row.id, row.name, tuple(row.scopes), rate, row.created, row.used, row.revoked)
