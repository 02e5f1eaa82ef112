"""People: who they are to the bot, what they chose, and whether they are let in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.accounts.credits import Credits
from bot.accounts.days import day_of
from bot.accounts.tables import Activity, Remnant, User
from bot.accounts.tariff import Plan

CHANNEL = "telegram"
"""The ledger's name for the bot's jobs."""

DEFAULT_STRENGTH = 1.0

MOST_ID = 2**63 - 1
"""As far as databases count."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person as handlers see them. ``strength`` is the style strength they start from, 0..1."""

    id: int
    language: str
    plan: Plan
    plus_until: float | None
    banned: bool
    strength: float
    as_file: bool
    keep_history: bool

    @property
    def owner(self) -> str:
        """Whose jobs these are, in the ledger's words."""
        return owner_of(self.id)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long photos and results are kept, in seconds: as a rule, and for people who keep a history."""

    usual_s: float
    history_s: float

    def of(self, account: Account) -> float:
        """Seconds for what belongs to this person."""
        return self.history_s if account.keep_history else self.usual_s


def owner_of(user_id: int) -> str:
    """The ledger's name for a person."""
    return f"tg:{user_id}"


def nobody() -> int:
    """A new number for what must stay when its person goes; it leads back to nobody."""
    return -secrets.randbits(62) - 1


def stranger(user_id: int, language: str) -> Account:
    """Somebody who has no account, as handlers see them; nothing of them is recorded."""
    return Account(
        id=user_id,
        language=language,
        plan="free",
        plus_until=None,
        banned=False,
        strength=DEFAULT_STRENGTH,
        as_file=False,
        keep_history=False,
    )


async def holds(session: AsyncSession, user_id: int) -> bool:
    """Whether there is such an account still; it is not deleted before this transaction ends."""
    row = select(User.id).where(User.id == user_id).with_for_update(read=True, key_share=True)
    return (await session.execute(row)).first() is not None


class Accounts:
    """The people. Every method runs inside the caller's session."""

    def __init__(self, credits: Credits, pseudonym_key: bytes, *, clock: Callable[[], float] = time.time) -> None:
        """``pseudonym_key`` keys the hash under which people who left are remembered."""
        self._credits = credits
        self._key = pseudonym_key
        self._clock = clock

    async def open(self, session: AsyncSession, user_id: int, language: str, *, active: bool = True) -> Account:
        """The account of somebody who just did something; created at first contact, in ``language``.

        ``active`` is False where it was done for them, as a subscription is renewed: that is no day on which they came.
        """
        user = await session.get(User, user_id) or await self._create(session, user_id, language)
        today = day_of(self._clock())
        if active and await session.get(Activity, (user_id, today)) is None:
            await _add(session, Activity(user_id=user_id, day=today))
        return self._account(user)

    async def get(self, session: AsyncSession, user_id: int) -> Account | None:
        """The account, if there is one."""
        user = await session.get(User, user_id)
        return None if user is None else self._account(user)

    async def save(
        self,
        session: AsyncSession,
        user_id: int,
        *,
        language: str | None = None,
        strength: float | None = None,
        as_file: bool | None = None,
        keep_history: bool | None = None,
    ) -> Account:
        """Change what is given. Raises ``LookupError`` when there is no such account."""
        user = await session.get(User, user_id)
        if user is None:
            raise LookupError("there is no such account")
        if strength is not None and not 0 <= strength <= 1:
            raise ValueError("strength runs from 0 to 1")
        given = {"language": language, "strength": strength, "as_file": as_file, "keep_history": keep_history}
        for name, value in given.items():
            if value is not None:
                setattr(user, name, value)
        await session.flush()
        return self._account(user)

    async def ban(self, session: AsyncSession, user_id: int, *, banned: bool) -> bool:
        """Shut somebody out or let them in again, even if they deleted their account. False when nobody is known by it."""
        if user_id > MOST_ID:
            return False
        row: User | Remnant | None = await session.get(User, user_id)
        if row is None:
            row = await session.get(Remnant, self.pseudonym(user_id))
        if row is None:
            return False
        row.banned = banned
        await session.flush()
        return True

    def pseudonym(self, user_id: int) -> str:
        """What somebody who left is remembered under: not to be turned back without the key."""
        return hmac.new(self._key, str(user_id).encode(), hashlib.sha256).hexdigest()

    async def _create(self, session: AsyncSession, user_id: int, language: str) -> User:
        now = self._clock()
        left = await session.get(Remnant, self.pseudonym(user_id))
        user = User(
            id=user_id,
            language=language[:16],
            banned=left is not None and left.banned,
            strength=DEFAULT_STRENGTH,
            as_file=False,
            keep_history=False,
            plus_until=None,
            created=now,
        )
        if not await _add(session, user):
            # Their first two messages went through two replicas.
            return await session.get_one(User, user_id)
        if left is None:
            await self._credits.open(session, user_id, debt=0, quota_used=0, day=day_of(now))
        else:
            await self._credits.open(session, user_id, debt=left.debt, quota_used=left.quota_used, day=left.quota_day)
            await session.delete(left)
            await session.flush()
        return user

    def _account(self, user: User) -> Account:
        plan: Plan = "plus" if user.plus_until is not None and user.plus_until > self._clock() else "free"
        return Account(
            id=user.id,
            language=user.language,
            plan=plan,
            plus_until=user.plus_until,
            banned=user.banned,
            strength=user.strength,
            as_file=user.as_file,
            keep_history=user.keep_history,
        )


async def _add(session: AsyncSession, row: User | Activity) -> bool:
    """Insert a row; False when somebody else just did."""
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True
