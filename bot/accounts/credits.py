"""Credits: reserved with the job, settled on delivery, returned on failure; bought, and taken back by refunds.

The entries are the truth; a wallet caches their sums. Every movement locks the wallet first (on SQLite the whole
transaction is the lock), so what it reads is what it changes. Each movement has a natural key (job or charge id) and
happens once, however often it is asked for.

A refund takes the bought credits back as far as they are still there. What is already spent stays as a debt that the
next incoming credits pay off; the daily quota is not touched by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.accounts.days import day_of, start_of
from bot.accounts.tables import Entry, User, Wallet
from bot.accounts.tariff import Plan, Tariff
from deployments.errors import MasqueradeError


class InsufficientCredits(MasqueradeError):
    """``details``: ``needed``, ``available`` (quota and credits together) and ``quota_returns`` (Unix time)."""

    slug, title, status = "insufficient-credits", "Not enough credits", 402


class EntryKind(StrEnum):
    """What an entry records.

    ``payment`` and ``refund`` refer to a charge, ``carried`` (what a deleted account left behind) to the person, the
    others to a job.
    """

    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"
    PAYMENT = "payment"
    REFUND = "refund"
    CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class Balance:
    """``quota_left`` of ``quota`` today, bought ``credits``, credits still ``held`` for unfinished jobs, and ``debt``."""

    plan: Plan
    quota: int
    quota_left: int
    credits: int
    held: int
    debt: int


@dataclass(frozen=True, slots=True)
class Hold:
    """What a job holds: ``quota`` of ``day`` and bought ``credits``."""

    quota: int
    credits: int
    day: date

    @property
    def amount(self) -> int:
        return self.quota + self.credits


class Credits:
    """Every movement of credits. All methods run inside the caller's transaction."""

    def __init__(self, tariff: Tariff, *, clock: Callable[[], float] = time.time) -> None:
        self._tariff = tariff
        self._clock = clock

    async def balance(self, session: AsyncSession, user_id: int) -> Balance:
        """What a person has. Raises ``LookupError`` when there is no such account."""
        wallet = await self._wallet(session, user_id, lock=False)
        plan = await self._plan(session, user_id)
        _, left = self._quota(wallet, plan)
        closed = select(Entry.closes).where(Entry.user_id == user_id, Entry.closes.is_not(None))
        held = select(func.coalesce(func.sum(-Entry.credits - Entry.quota), 0)).where(
            Entry.user_id == user_id, Entry.kind == EntryKind.RESERVE, Entry.reference.not_in(closed)
        )
        return Balance(
            plan=plan,
            quota=self._tariff.daily(plan),
            quota_left=left,
            credits=wallet.balance,
            held=(await session.execute(held)).scalar_one(),
            debt=wallet.debt,
        )

    async def require(self, session: AsyncSession, user_id: int, amount: int) -> None:
        """Make sure that ``amount`` can be held in this transaction. Raises :class:`InsufficientCredits`."""
        wallet = await self._wallet(session, user_id)
        _afford(wallet, *self._quota(wallet, await self._plan(session, user_id)), amount)

    async def reserve(self, session: AsyncSession, user_id: int, amount: int, job_id: str) -> Hold:
        """Hold ``amount`` for a job, the day's quota first. Raises :class:`InsufficientCredits`, then nothing is held."""
        wallet = await self._wallet(session, user_id)
        if (known := await self._hold(session, job_id)) is not None:
            return known
        today, left = self._quota(wallet, await self._plan(session, user_id))
        _afford(wallet, today, left, amount)
        quota = min(amount, left)
        credits = amount - quota
        if wallet.quota_day != today:
            wallet.quota_day, wallet.quota_used = today, 0
        await self._book(session, wallet, EntryKind.RESERVE, job_id, credits=-credits, quota=-quota, day=today)
        return Hold(quota, credits, today)

    async def settle(self, session: AsyncSession, job_id: str, *, used: int | None = None) -> bool:
        """The job was delivered: what it held is spent, or ``used`` of it and the rest comes back.

        False when nothing is held for it (any more): settled or released before, or the account is gone.
        """
        return await self._close(session, EntryKind.SETTLE, job_id, used)

    async def release(self, session: AsyncSession, job_id: str) -> bool:
        """The job came to nothing: everything it held comes back. False as for :meth:`settle`."""
        return await self._close(session, EntryKind.RELEASE, job_id, 0)

    async def pay_in(self, session: AsyncSession, user_id: int, amount: int, charge_id: str) -> bool:
        """Add bought credits. False when this charge was paid in before."""
        wallet = await self._wallet(session, user_id)
        if await self._known(session, EntryKind.PAYMENT, charge_id):
            return False
        await self._book(session, wallet, EntryKind.PAYMENT, charge_id, credits=amount)
        return True

    async def take_back(self, session: AsyncSession, user_id: int, amount: int, charge_id: str) -> int:
        """Take the credits of a refunded charge back; returns how many were spent already and are owed now."""
        wallet = await self._wallet(session, user_id)
        if await self._known(session, EntryKind.REFUND, charge_id):
            return await self.owed_for(session, charge_id)
        there = min(amount, wallet.balance)
        await self._book(session, wallet, EntryKind.REFUND, charge_id, credits=-there, debt=amount - there)
        return amount - there

    async def owed_for(self, session: AsyncSession, charge_id: str) -> int:
        """How much of what a refunded charge bought had been spent already."""
        return await self._debt(session, EntryKind.REFUND, charge_id)

    async def repaid_by(self, session: AsyncSession, charge_id: str) -> int:
        """How much of what a charge bought made up for a debt."""
        return -await self._debt(session, EntryKind.PAYMENT, charge_id)

    async def open(self, session: AsyncSession, user_id: int, *, debt: int, quota_used: int, day: date) -> None:
        """A new person's wallet, with what a deleted account of theirs left behind."""
        wallet = Wallet(user_id=user_id, balance=0, debt=0, quota_day=day, quota_used=0)
        session.add(wallet)
        if debt or quota_used:
            await self._book(session, wallet, EntryKind.CARRIED, str(user_id), debt=debt, quota=-quota_used, day=day)
        await session.flush()

    async def lock(self, session: AsyncSession, user_id: int) -> None:
        """Keep every other movement of this person's credits waiting until the transaction ends."""
        await self._wallet(session, user_id)

    async def _close(self, session: AsyncSession, kind: EntryKind, job_id: str, used: int | None) -> bool:
        owner = select(Entry.user_id).where(Entry.kind == EntryKind.RESERVE, Entry.reference == job_id)
        user_id = (await session.execute(owner)).scalar_one_or_none()
        if user_id is None:
            return False
        try:
            wallet = await self._wallet(session, user_id)
        except LookupError:  # The account was deleted while this waited for its lock.
            return False
        closed = select(Entry.id).where(Entry.closes == job_id)
        hold = await self._hold(session, job_id)
        if hold is None or (await session.execute(closed)).scalar_one_or_none() is not None:
            return False
        back = hold.amount - min(hold.amount, hold.amount if used is None else used)
        # What was bought comes back first: it keeps, the quota does not.
        credits = min(back, hold.credits)
        await self._book(
            session, wallet, kind, job_id, credits=credits, quota=back - credits, day=hold.day, closes=job_id
        )
        return True

    async def _book(
        self,
        session: AsyncSession,
        wallet: Wallet,
        kind: EntryKind,
        reference: str,
        *,
        credits: int = 0,
        debt: int = 0,
        quota: int = 0,
        day: date | None = None,
        closes: str | None = None,
    ) -> None:
        """Write an entry and bring the wallet up to it. Incoming credits pay a debt off first."""
        if credits > 0:
            repaid = min(credits, wallet.debt)
            credits, debt = credits - repaid, debt - repaid
        now = self._clock()
        entry = Entry(
            user_id=wallet.user_id,
            kind=kind,
            reference=reference,
            closes=closes,
            credits=credits,
            debt=debt,
            quota=quota,
            day=day or day_of(now),
            created=now,
        )
        session.add(entry)
        wallet.balance += credits
        wallet.debt += debt
        if entry.day == wallet.quota_day:
            wallet.quota_used -= quota
        await session.flush()

    def _quota(self, wallet: Wallet, plan: Plan) -> tuple[date, int]:
        """Today, and what is left of its quota. Replicas' clocks differ: a wallet's day never goes back."""
        today = max(day_of(self._clock()), wallet.quota_day)
        used = wallet.quota_used if wallet.quota_day == today else 0
        return today, max(0, self._tariff.daily(plan) - used)

    async def _plan(self, session: AsyncSession, user_id: int) -> Plan:
        until = (await session.execute(select(User.plus_until).where(User.id == user_id))).scalar_one()
        return "plus" if until is not None and until > self._clock() else "free"

    async def _hold(self, session: AsyncSession, job_id: str) -> Hold | None:
        statement = select(Entry.quota, Entry.credits, Entry.day).where(
            Entry.kind == EntryKind.RESERVE, Entry.reference == job_id
        )
        row = (await session.execute(statement)).one_or_none()
        return None if row is None else Hold(-row.quota, -row.credits, row.day)

    async def _debt(self, session: AsyncSession, kind: EntryKind, charge_id: str) -> int:
        debt = select(Entry.debt).where(Entry.kind == kind, Entry.reference == charge_id)
        return (await session.execute(debt)).scalar_one_or_none() or 0

    async def _known(self, session: AsyncSession, kind: EntryKind, reference: str) -> bool:
        statement = select(Entry.id).where(Entry.kind == kind, Entry.reference == reference)
        return (await session.execute(statement)).scalar_one_or_none() is not None

    async def _wallet(self, session: AsyncSession, user_id: int, *, lock: bool = True) -> Wallet:
        statement = select(Wallet).where(Wallet.user_id == user_id).execution_options(populate_existing=True)
        found = (await session.execute(statement.with_for_update() if lock else statement)).scalar_one_or_none()
        if found is None:
            raise LookupError("there is no such account")
        return found


def _afford(wallet: Wallet, today: date, quota_left: int, amount: int) -> None:
    available = quota_left + wallet.balance
    if amount > available:
        raise InsufficientCredits(
            "There are not enough credits for this.",
            needed=amount,
            available=available,
            quota_returns=start_of(today + timedelta(days=1)),
        )
