"""Deleting an account: everything a person sent, got or chose goes at once, and they are told what went and what stays.

What stays: the payments' charge ids, amounts and dates (accounting, and so that no charge is credited or refunded
twice), without the person's number; whose a charge was, Telegram can tell the bot's owner. The bare counts behind the
statistics (orders, days, what was refused), under a random number that leads back to nobody. And, under a keyed hash
until the day is over, how much of the day's quota was used. A ban and a debt stay under that hash as well: otherwise
deleting the account would undo them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts import events
from bot.accounts.accounts import Accounts, nobody, owner_of
from bot.accounts.cashier import Cashier, Renewal
from bot.accounts.days import day_of
from bot.accounts.events import EventKind
from bot.accounts.tables import Activity, Event, Identity, Payment, Remnant, User, Wallet
from bot.delivery.tables import Delivery
from bot.intake.tables import Bundle, Upload, WaitingUpdate
from serve_app.database import empty_log
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.tables import Job
from serve_app.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class Removal:
    """What went (counts), and what stays. ``credits`` bought but not spent, and days of a subscription, are lost.

    ``subscription`` has ended where Telegram said so; what we know of it may be wrong.
    ``statuses`` are the messages (chat and number) about work that nobody waits for any more.
    """

    photos: int
    jobs: int
    identities: int
    credits: int
    subscription: Renewal
    kept_payments: int
    kept_debt: int
    statuses: frozenset[tuple[int, int]]


class Erasure:
    """Deletes accounts."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        accounts: Accounts,
        cashier: Cashier,
        ledger: Ledger,
        objects: ObjectStore,
        vault: ObjectStore,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``objects`` holds photos and results, ``vault`` the crops of saved faces."""
        self._sessions = sessions
        self._accounts = accounts
        self._cashier = cashier
        self._ledger = ledger
        self._objects = objects
        self._vault = vault
        self._clock = clock

    async def delete(self, user_id: int) -> Removal | None:
        """Remove a person, ending the renewal of their subscription first. None when there is no such account.

        The objects go before the rows that name them are gone for good: broken off, it can be asked for again.
        """
        renewal = await self._cashier.stop_renewal(user_id, leaving=True)
        async with self._sessions.begin() as session:
            successor = nobody()
            jobs = await session.execute(select(func.count()).select_from(Job).where(Job.owner == owner_of(user_id)))
            # Jobs before the wallet, as everybody locks them who has to do with both.
            keys = await self._ledger.withdraw(session, owner_of(user_id), f"gone:{-successor}")
            wallet = await session.get(Wallet, user_id, with_for_update=True)
            user = await session.get(User, user_id, with_for_update=True)
            if user is None or wallet is None:
                return None
            statuses = await self._statuses(session, user_id)
            photos, photo_keys = await self._photos(session, user_id)
            keys += photo_keys
            crops = list((await session.execute(select(Identity.key).where(Identity.user_id == user_id))).scalars())
            # A number of their own: Telegram knows whose charge it was, and so it would know whose the counts are.
            payments = update(Payment).where(Payment.user_id == user_id).values(user_id=nobody())
            removal = Removal(
                photos=photos,
                jobs=jobs.scalar_one(),
                identities=len(crops),
                credits=wallet.balance,
                subscription=renewal,
                kept_payments=len((await session.execute(payments.returning(Payment.charge_id))).all()),
                kept_debt=wallet.debt,
                statuses=statuses,
            )
            await self._leave(session, user, wallet)
            for table in (Activity, Event):
                await session.execute(update(table).where(table.user_id == user_id).values(user_id=successor))
            events.record(session, successor, EventKind.DELETED, self._clock())
            # Wallet, entries, invoices, subscriptions and saved faces go with the person's row.
            await session.execute(delete(User).where(User.id == user_id))
            await asyncio.to_thread(self._objects.delete, keys)
            await asyncio.to_thread(self._vault.delete, crops)
        await empty_log(self._sessions)
        return removal

    async def delete_all(self) -> None:
        """Remove everybody."""
        async with self._sessions() as session:
            people = (await session.execute(select(User.id))).scalars().all()
        for user_id in people:
            await self.delete(user_id)

    async def _statuses(self, session: AsyncSession, user_id: int) -> frozenset[tuple[int, int]]:
        waiting = (Delivery.user_id == user_id, Delivery.sent.is_(None), Delivery.status_id.is_not(None))
        rows = await session.execute(select(Delivery.chat_id, Delivery.status_id).where(*waiting))
        return frozenset((chat_id, message_id) for chat_id, message_id in rows if message_id is not None)

    async def _photos(self, session: AsyncSession, user_id: int) -> tuple[int, list[str]]:
        mine = select(Bundle.id).where(Bundle.user_id == user_id)
        keys = list((await session.execute(select(Upload.key).where(Upload.bundle_id.in_(mine)))).scalars())
        await session.execute(delete(Bundle).where(Bundle.user_id == user_id))
        await session.execute(delete(Delivery).where(Delivery.user_id == user_id))
        said = WaitingUpdate.user_id == user_id, WaitingUpdate.money.is_(False)
        await session.execute(delete(WaitingUpdate).where(*said))
        return len(keys), keys

    async def _leave(self, session: AsyncSession, user: User, wallet: Wallet) -> None:
        """Remember what must not be undone by leaving."""
        used = wallet.quota_used if wallet.quota_day >= day_of(self._clock()) else 0
        if user.banned or wallet.debt or used:
            session.add(
                Remnant(
                    pseudonym=self._accounts.pseudonym(user.id),
                    banned=user.banned,
                    debt=wallet.debt,
                    quota_day=wallet.quota_day,
                    quota_used=used,
                )
            )
            await session.flush()
