"""Faces people saved to swap with again, up to twenty each. Every function runs inside the caller's transaction.

A row names the object of its crop, which lies in a store of its own and stays for as long as the row.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.accounts.tables import Identity, User
from deployments.errors import MasqueradeError

MOST = 20
MAX_NAME = 64

JOINERS = "\u200c\u200d"
"""What cannot be seen and yet makes one emoji of several, or a word as it is written in Persian."""

BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters that show nothing."""


class TooManyIdentities(MasqueradeError):
    """``details['most']``."""

    slug, title, status = "too-many-identities", "No room for another face", 409


class NameTaken(MasqueradeError):
    slug, title, status = "name-taken", "There is a face of this name", 409


class NoName(MasqueradeError):
    slug, title, status = "no-name", "There is nothing to read in this name", 422


class UnknownIdentity(MasqueradeError):
    slug, title, status = "unknown-identity", "There is no such face", 404


def readable(name: str) -> str:
    """What can be read of a name: white space is tidied, and what would turn a line around goes. "" where that is nothing."""
    seen = "".join(c if (c.isprintable() or c in JOINERS) and c not in BLANKS else " " for c in name)
    tidy = " ".join(seen.split())[:MAX_NAME].rstrip()
    return tidy if tidy.strip(f"{JOINERS} ") else ""


async def add(session: AsyncSession, user_id: int, name: str, key: str) -> Identity:
    """Save a face under a name: data, not markup; white space is tidied and 64 characters are kept.

    Raises :class:`TooManyIdentities`, :class:`NameTaken`, or :class:`NoName` for one with nothing to read in it.
    """
    tidy = readable(name)
    if not tidy:
        raise NoName("A face needs a name.")
    # The person's row is the lock: two faces saved at once must not both be the twentieth.
    await session.execute(select(User.id).where(User.id == user_id).with_for_update())
    mine = select(func.count()).select_from(Identity).where(Identity.user_id == user_id)
    if (await session.execute(mine)).scalar_one() >= MOST:
        raise TooManyIdentities(f"You can save {MOST} faces; delete one first.", most=MOST)
    same = select(Identity.id).where(Identity.user_id == user_id, Identity.name == tidy)
    if (await session.execute(same)).scalar_one_or_none() is not None:
        raise NameTaken("You have saved a face under this name.")
    identity = Identity(user_id=user_id, name=tidy, key=key, created=time.time())
    session.add(identity)
    await session.flush()
    return identity


async def of(session: AsyncSession, user_id: int) -> Sequence[Identity]:
    """A person's faces, oldest first."""
    statement = select(Identity).where(Identity.user_id == user_id).order_by(Identity.created, Identity.id)
    return (await session.execute(statement)).scalars().all()


async def get(session: AsyncSession, user_id: int, identity_id: int) -> Identity:
    """One of a person's own faces. Raises :class:`UnknownIdentity`."""
    identity = await session.get(Identity, identity_id)
    if identity is None or identity.user_id != user_id:
        raise UnknownIdentity("You have no such face.")
    return identity


async def remove(session: AsyncSession, user_id: int, identity_id: int) -> Identity:
    """Forget a face; returns what it was, for the caller to delete its crop. Raises :class:`UnknownIdentity`."""
    identity = await get(session, user_id, identity_id)
    await session.delete(identity)
    await session.flush()
    return identity
