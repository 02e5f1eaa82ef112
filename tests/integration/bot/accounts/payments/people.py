"""Who pays, and a bank that takes notes."""

from __future__ import annotations

from bot.accounts.payments import Offer, Paid
from bot.accounts.tariff import MONTH_S

ANNA, BORIS = 1001, 1002


def month(charge: str, offer: Offer, start: float) -> Paid:
    """A month of the subscription, charged at its start."""
    return Paid(charge, offer.payload, offer.stars, start, recurring=True, expires=start + MONTH_S)


class FakeBank:
    """Does what it is asked, but for the subscriptions ``without`` which it says it has not got."""

    def __init__(self, *without: str) -> None:
        self.refunds: list[tuple[int, str]] = []
        self.stopped: list[tuple[int, str]] = []
        self.without = set(without)

    async def refund(self, user_id: int, charge_id: str) -> None:
        self.refunds.append((user_id, charge_id))

    async def stop_renewal(self, user_id: int, charge_id: str) -> bool:
        self.stopped.append((user_id, charge_id))
        return charge_id not in self.without
