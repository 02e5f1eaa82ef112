"""Telegram Stars: offers, the pre-checkout question, payments keyed by Telegram's charge id, refunds, subscriptions.

The payment's update is what is durable: Telegram delivers it until it is acknowledged, and it may be handled any number
of times. An invoice's payload is random; what it stands for is recorded here.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.accounts.accounts import holds, nobody
from bot.accounts.credits import Credits
from bot.accounts.tables import Invoice, Payment, SubscriptionState, User
from bot.accounts.tariff import MONTH_S, SUBSCRIPTION, Tariff

CURRENCY = "XTR"


class Refusal(StrEnum):
    """Why a pre-checkout is answered with no; the words for it are translated under ``checkout-<value>``."""

    UNKNOWN = "unknown"
    NOT_YOURS = "not-yours"
    BANNED = "banned"
    PRICE = "price"
    WITHDRAWN = "withdrawn"
    SUBSCRIBED = "subscribed"


class Status(StrEnum):
    CREDITED = "credited"
    UNMATCHED = "unmatched"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invoice is made of. ``period`` is the subscription's in seconds, None for a pack."""

    payload: str
    product: str
    stars: int
    credits: int
    period: int | None


@dataclass(frozen=True, slots=True)
class Paid:
    """A ``successful_payment`` as Telegram reports it; ``date`` is the message's, ``expires`` the subscription's."""

    charge_id: str
    payload: str
    stars: int
    date: float
    recurring: bool = False
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a payment brought.

    ``new`` is False for one that was recorded before; ``unmatched`` says that nothing here tells what it was for: it is
    recorded, and the operator decides. Of the ``credits``, ``repaid`` made up for a debt.
    """

    credits: int
    plus_until: float | None
    new: bool
    unmatched: bool = False
    repaid: int = 0


@dataclass(frozen=True, slots=True)
class Refunded:
    """``owed`` credits had been spent already. ``new`` is False when this refund was recorded before.

    ``ended``: what was given back is a subscription's, which will not be charged again.
    """

    stars: int
    owed: int
    new: bool
    ended: bool = False


class Payments:
    """What was offered, paid and refunded. Every method runs inside the caller's transaction."""

    def __init__(self, tariff: Tariff, credits: Credits, *, clock: Callable[[], float] = time.time) -> None:
        self._tariff = tariff
        self._credits = credits
        self._clock = clock

    async def offer(self, session: AsyncSession, user_id: int, product: str) -> Offer:
        """Make somebody an offer of a pack or the subscription. Raises ``LookupError`` when it is not for sale."""
        terms = self._terms(product)
        if terms is None:
            raise LookupError(f"{product!r} is not for sale")
        stars, credits = terms
        payload = secrets.token_urlsafe(24)
        session.add(
            Invoice(
                payload=payload,
                user_id=user_id,
                product=product,
                stars=stars,
                credits=credits,
                created=self._clock(),
            )
        )
        await session.flush()
        return Offer(payload, product, stars, credits, MONTH_S if product == SUBSCRIPTION else None)

    async def check(
        self, session: AsyncSession, user_id: int, payload: str, currency: str, stars: int
    ) -> Refusal | None:
        """The answer to a pre-checkout query: None means yes. A few reads; Telegram waits ten seconds for it."""
        invoice = await session.get(Invoice, payload)
        if invoice is None:
            return Refusal.UNKNOWN
        if invoice.user_id != user_id:
            return Refusal.NOT_YOURS
        user = await session.get(User, user_id)
        if user is None:
            return Refusal.UNKNOWN
        if user.banned:
            return Refusal.BANNED
        if (currency, stars) != (CURRENCY, invoice.stars):
            return Refusal.PRICE
        if self._terms(invoice.product) != (invoice.stars, invoice.credits):
            return Refusal.WITHDRAWN
        if invoice.product == SUBSCRIPTION and await self._renews(session, user):
            return Refusal.SUBSCRIBED
        return None

    async def paid(self, session: AsyncSession, user_id: int, payment: Paid) -> Receipt:
        """Record a payment and give what was paid for, once per charge. The payer needs an account."""
        await self._credits.lock(session, user_id)
        known = await session.get(Payment, payment.charge_id)
        if known is not None:
            until = await self._plus_until(session, user_id)
            return Receipt(known.credits, until, new=False, unmatched=known.status == Status.UNMATCHED)
        invoice = await session.get(Invoice, payment.payload)
        if invoice is None or invoice.stars != payment.stars:
            self._record(session, user_id, payment, None, Status.UNMATCHED)
            await session.flush()
            return Receipt(0, await self._plus_until(session, user_id), new=True, unmatched=True)
        earlier = select(Payment.charge_id).where(Payment.payload == payment.payload).limit(1)
        before = (await session.execute(earlier)).scalar_one_or_none() is not None
        row = self._record(session, user_id, payment, invoice, Status.CREDITED)
        # A subscription is charged to the same invoice month after month.
        row.repeated = before and not payment.recurring
        await session.flush()
        if invoice.product == SUBSCRIPTION:
            await self._note_payment(session, user_id, payment)
            await self._extend(session, user_id)
        else:
            await self._credits.pay_in(session, user_id, invoice.credits, payment.charge_id)
        repaid = await self._credits.repaid_by(session, payment.charge_id)
        return Receipt(invoice.credits, await self._plus_until(session, user_id), new=True, repaid=repaid)

    async def set_aside(self, session: AsyncSession, user_id: int, payment: Paid) -> bool:
        """Record a payment that cannot be booked, for the operator to decide about. False when it was recorded before."""
        if await session.get(Payment, payment.charge_id) is not None:
            return False
        self._record(session, user_id, payment, None, Status.UNMATCHED)
        await session.flush()
        return True

    async def refunded(self, session: AsyncSession, user_id: int, charge_id: str, payload: str, stars: int) -> Refunded:
        """Record that the Stars went back and take back what they bought, once per charge.

        A refund that is heard of before its payment is recorded all the same: the payment then brings nothing. So is one
        whose payer has deleted their account.
        """
        payment = await session.get(Payment, charge_id)
        payer = user_id if payment is None else payment.user_id
        if payer > 0:
            # Without an account there is no wallet that anything could move.
            with contextlib.suppress(LookupError):
                await self._credits.lock(session, payer)
            payment = await session.get(Payment, charge_id, populate_existing=True)
        now = self._clock()
        if payment is None:
            unheard = Paid(charge_id, payload, stars, now)
            keeper = user_id if await holds(session, user_id) else nobody()
            payment = self._record(session, keeper, unheard, await session.get(Invoice, payload), Status.REFUNDED)
            payment.refunded = now
            await session.flush()
            return Refunded(stars, 0, new=True)
        if payment.status == Status.REFUNDED:
            owed = await self._credits.owed_for(session, charge_id)
            return Refunded(payment.stars, owed, new=False, ended=await self._cancelled(session, payment.payload))
        credited = payment.status == Status.CREDITED and payment.user_id > 0
        payment.status, payment.refunded = Status.REFUNDED, now
        await session.flush()
        owed = 0
        if credited and payment.product == SUBSCRIPTION:
            await self._extend(session, payment.user_id)
        elif credited:
            owed = await self._credits.take_back(session, payment.user_id, payment.credits, charge_id)
        return Refunded(payment.stars, owed, new=True, ended=await self._cancelled(session, payment.payload))

    async def subscription_changed(self, session: AsyncSession, user_id: int, payload: str, state: str) -> None:
        """Telegram says a subscription is now ``active``, ``canceled`` or ``failed``. What is paid for stays.

        It may be heard before the payment it follows, and after its account was deleted. A subscription that was never
        offered to this person is ignored.
        """
        try:
            await self._credits.lock(session, user_id)
        except LookupError:
            return
        row = await session.get(SubscriptionState, payload)
        if row is None:
            invoice = await session.get(Invoice, payload)
            if invoice is None or invoice.user_id != user_id:
                return
            row = SubscriptionState(payload=payload, user_id=user_id, charge_id="")
            session.add(row)
        if row.user_id == user_id:
            row.state, row.changed = state, self._clock()
            await session.flush()

    async def subscription(self, session: AsyncSession, user_id: int) -> SubscriptionState | None:
        """The person's active subscription, or else the one that was heard of last, whatever state it is in."""
        active_first = (SubscriptionState.state == "active").desc(), SubscriptionState.changed.desc()
        statement = select(SubscriptionState).where(SubscriptionState.user_id == user_id)
        return (await session.execute(statement.order_by(*active_first).limit(1))).scalars().first()

    async def renewable(
        self, session: AsyncSession, user_id: int, *, doubted: bool = False
    ) -> Sequence[SubscriptionState]:
        """Every subscription of a person that may be charged again: all that are not known to be cancelled.

        ``doubted``: also those that are said to be, while their month lasts. Changes are told without a date, and two of
        them may be heard in the wrong order. One without a charge is left out: its first payment was not heard of yet.
        """
        lasts = Payment.status != Status.REFUNDED, Payment.expires > self._clock()
        may_be = SubscriptionState.state != "canceled"
        statement = (
            select(SubscriptionState)
            .join(Payment, Payment.charge_id == SubscriptionState.charge_id)
            .where(SubscriptionState.user_id == user_id, or_(may_be, and_(*lasts)) if doubted else may_be)
            .order_by(SubscriptionState.changed)
        )
        return (await session.execute(statement)).scalars().all()

    async def of(self, session: AsyncSession, user_id: int) -> Sequence[Payment]:
        """A person's payments, newest first."""
        statement = select(Payment).where(Payment.user_id == user_id).order_by(Payment.paid.desc(), Payment.charge_id)
        return (await session.execute(statement)).scalars().all()

    def _terms(self, product: str) -> tuple[int, int] | None:
        """Stars and credits of a product as it is on offer now."""
        if product == SUBSCRIPTION:
            return None if self._tariff.subscription is None else (self._tariff.subscription.stars, 0)
        pack = self._tariff.pack(product)
        return None if pack is None else (pack.stars, pack.credits)

    def _record(
        self, session: AsyncSession, user_id: int, payment: Paid, invoice: Invoice | None, status: Status
    ) -> Payment:
        row = Payment(
            charge_id=payment.charge_id,
            user_id=user_id,
            payload=payment.payload[:128],
            product="" if invoice is None else invoice.product,
            stars=payment.stars,
            credits=0 if invoice is None else invoice.credits,
            status=status,
            repeated=False,
            recurring=payment.recurring,
            expires=payment.expires,
            paid=payment.date,
            refunded=None,
        )
        session.add(row)
        return row

    async def _renews(self, session: AsyncSession, user: User) -> bool:
        """Whether a subscription is paid for and will be charged again."""
        if user.plus_until is None or user.plus_until <= self._clock():
            return False
        subscription = await self.subscription(session, user.id)
        return subscription is not None and subscription.state == "active"

    async def _cancelled(self, session: AsyncSession, payload: str) -> bool:
        subscription = await session.get(SubscriptionState, payload)
        return subscription is not None and subscription.state == "canceled"

    async def _note_payment(self, session: AsyncSession, user_id: int, payment: Paid) -> None:
        """What is paid for is active, unless it was cancelled since, or a later charge was heard of before this one.

        That a charge failed says nothing against it: whenever that was heard of, a newer charge came after it.
        """
        row = await session.get(SubscriptionState, payment.payload)
        if row is None:
            row = SubscriptionState(payload=payment.payload, user_id=user_id, charge_id="", state="active", changed=0.0)
            session.add(row)
        last = await session.get(Payment, row.charge_id)
        if last is not None and last.paid > payment.date:
            return
        row.charge_id = payment.charge_id
        if row.state != "canceled" or row.changed < payment.date:
            row.state, row.changed = "active", self._clock()
        await session.flush()

    async def _extend(self, session: AsyncSession, user_id: int) -> None:
        """Derive until when the subscription is paid for from its payments: each buys thirty days after the one before.

        A month that was paid twice is thus two months, a refunded one none, in whatever order we hear of them.
        """
        statement = (
            select(Payment.paid, Payment.expires)
            .where(Payment.user_id == user_id, Payment.product == SUBSCRIPTION, Payment.status == Status.CREDITED)
            .order_by(Payment.paid, Payment.expires, Payment.charge_id)
        )
        until: float | None = None
        for paid, expires in await session.execute(statement):
            until = max(max(until or 0.0, paid) + MONTH_S, expires or 0.0)
        await session.execute(update(User).where(User.id == user_id).values(plus_until=until))

    async def _plus_until(self, session: AsyncSession, user_id: int) -> float | None:
        return (await session.execute(select(User.plus_until).where(User.id == user_id))).scalar_one_or_none()
