"""Telegram Stars: invoices, the ten seconds of a pre-checkout, charges, refunds and monthly subscriptions."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Any

SUBSCRIPTION_PERIOD = 2_592_000
"""Thirty days, in seconds: the only period Telegram sells."""


class PaymentFailed(Exception):
    """The payer's screen says that the payment did not go through."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a bot asks to be paid for. ``total`` is in Stars."""

    title: str
    description: str
    payload: str
    total: int
    start_parameter: str = ""
    subscription_period: int | None = None

    def json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "description": self.description,
            "start_parameter": self.start_parameter,
            "currency": "XTR",
            "total_amount": self.total,
        }


@dataclass(slots=True, eq=False)
class Checkout:
    """A payer who pressed Pay and waits for the bot's word. ``accepted`` is None until it comes."""

    id: str
    user_id: int
    invoice: Invoice
    deadline: float
    accepted: bool | None = None
    error_message: str = ""
    charge: Charge | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class Charge:
    """Stars that changed hands."""

    id: str
    user_id: int
    invoice: Invoice
    date: int
    subscription: Subscription | None = None
    first_of_subscription: bool = False
    refunded: bool = False

    def successful_payment(self) -> dict[str, Any]:
        payment: dict[str, Any] = {
            "currency": "XTR",
            "total_amount": self.invoice.total,
            "invoice_payload": self.invoice.payload,
            "telegram_payment_charge_id": self.id,
            "provider_payment_charge_id": "",
        }
        if self.subscription is not None:
            payment |= {"subscription_expiration_date": self.subscription.paid_until, "is_recurring": True}
            if self.first_of_subscription:
                payment["is_first_recurring"] = True
        return payment

    def refunded_payment(self) -> dict[str, Any]:
        return {
            "currency": "XTR",
            "total_amount": self.invoice.total,
            "invoice_payload": self.invoice.payload,
            "telegram_payment_charge_id": self.id,
        }


@dataclass(slots=True, eq=False)
class Subscription:
    """A payment that repeats every thirty days until the user or the bot cancels it."""

    user_id: int
    invoice: Invoice
    paid_until: int
    charges: list[Charge] = field(default_factory=list)
    canceled_by_user: bool = False
    canceled_by_bot: bool = False


class Ledger:
    """Every charge, and the links that lead to a payment form."""

    def __init__(self) -> None:
        self.charges: dict[str, Charge] = {}
        self.links: dict[str, Invoice] = {}

    def link(self, invoice: Invoice) -> str:
        """A link that opens the payment form, for as often as people follow it."""
        slug = secrets.token_urlsafe(16)
        self.links[slug] = invoice
        return f"https://t.me/${slug}"

    def by_link(self, link: str) -> Invoice:
        return self.links[link.rsplit("$", 1)[1]]

    def charge(self, user_id: int, invoice: Invoice, now: int, subscription: Subscription | None = None) -> Charge:
        """Book a payment; a first payment for a subscription's invoice opens the subscription."""
        first = subscription is None and invoice.subscription_period is not None
        if first and invoice.subscription_period is not None:
            subscription = Subscription(user_id, invoice, now + invoice.subscription_period)
        # Unlike other identifiers here, never the same in two runs: a bot remembers the charges it has seen. As long as
        # Telegram's longest.
        charge = Charge(
            f"stx{secrets.token_urlsafe(108)}", user_id, invoice, now, subscription, first_of_subscription=first
        )
        if subscription is not None:
            subscription.charges.append(charge)
        self.charges[charge.id] = charge
        return charge
