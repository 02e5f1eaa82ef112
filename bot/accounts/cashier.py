"""Giving Stars back: Telegram first, then the books; repeated or interrupted, the end is the same."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.payments import Payments, Refunded, Status
from bot.accounts.tables import Payment
from bot.accounts.tariff import SUBSCRIPTION
from deployments.errors import MasqueradeError


class NotRefundable(MasqueradeError):
    """``details['reason']``: ``unknown`` (no such charge), ``refunded`` (it went back before), ``deleted`` or ``refused``.

    Deleted means that the payer's account is gone, and with it whom to pay: Telegram's list of transactions has them.
    Refused, by Telegram: the message says why.
    """

    slug, title, status = "not-refundable", "This payment cannot be refunded", 409


class Renewal(Enum):
    """What became of subscriptions that were to be ended: there was none, all have, or Telegram would not end one."""

    NONE = auto()
    ENDED = auto()
    REFUSED = auto()


class Bank(Protocol):
    """The other side of the counter. Asking twice is fine: a charge that went back already counts as done."""

    async def refund(self, user_id: int, charge_id: str) -> None:
        """Give the Stars of a charge back. Raises :class:`NotRefundable`."""
        ...

    async def stop_renewal(self, user_id: int, charge_id: str) -> bool:
        """Charge this subscription no more; what is paid for stays. False when there is none that could be renewed."""
        ...


class Cashier:
    """The operator's refunds and the subscriptions' ends."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], payments: Payments, bank: Bank) -> None:
        self._sessions = sessions
        self._payments = payments
        self._bank = bank

    async def refund(self, charge_id: str) -> Refunded:
        """Give a payment back; a subscription's also ends its renewal. Raises :class:`NotRefundable`.

        Should the process die between Telegram and the books, Telegram's ``refunded_payment`` message, or asking again,
        completes it.
        """
        async with self._sessions() as session:
            payment = await session.get(Payment, charge_id)
        if payment is None:
            raise NotRefundable("There is no such payment.", reason="unknown")
        if payment.status == Status.REFUNDED:
            raise NotRefundable("This payment went back already.", reason="refunded")
        if payment.user_id < 0:
            raise NotRefundable("The payer's account is gone.", reason="deleted")
        # Of a payment that nothing here says the purpose of, the date until which it pays tells as much.
        renews = payment.product == SUBSCRIPTION or payment.expires is not None
        stopped = renews and await self._bank.stop_renewal(payment.user_id, charge_id)
        if stopped:
            # Before the Stars go back: Telegram's word of that may be heard before the books below are closed.
            await self._ended(payment.user_id, payment.payload)
        try:
            await self._bank.refund(payment.user_id, charge_id)
        except NotRefundable as error:
            if stopped:
                raise NotRefundable(f"{error.message} It will not be renewed, though.", **error.details) from error
            raise
        async with self._sessions.begin() as session:
            return await self._payments.refunded(session, payment.user_id, charge_id, payment.payload, payment.stars)

    async def stop_renewal(self, user_id: int, *, leaving: bool = False) -> Renewal:
        """End the renewal of every subscription that a person has.

        ``leaving``: of those as well that are said to be cancelled, while they are paid for. Nobody could do it later.
        """
        async with self._sessions() as session:
            subscriptions = await self._payments.renewable(session, user_id, doubted=leaving)
        ended: list[bool] = []
        for subscription in subscriptions:
            ended.append(await self._bank.stop_renewal(user_id, subscription.charge_id))
            await self._ended(user_id, subscription.payload)
        if not ended:
            return Renewal.NONE
        return Renewal.ENDED if all(ended) else Renewal.REFUSED

    async def _ended(self, user_id: int, payload: str) -> None:
        async with self._sessions.begin() as session:
            await self._payments.subscription_changed(session, user_id, payload, "canceled")
