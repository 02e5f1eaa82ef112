"""The payments drill's own ledger: what somebody must have, by what Telegram says they paid and got back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.playground.telegram.payments import SUBSCRIPTION_PERIOD, Charge


@dataclass(frozen=True, slots=True)
class Holdings:
    """Bought credits, credits owed, and until when the subscription is paid for (Unix seconds)."""

    credits: int
    debt: int
    plus_until: float | None


def expected(charges: Sequence[Charge], credits_by_stars: dict[int, int], spent: int) -> Holdings:
    """What one person's charges come to after ``spent`` credits went into pictures.

    ``credits_by_stars`` tells the packs apart by their price. A charge that went back has bought nothing; what had been
    spent of it is owed. A subscription lasts thirty days for every month that was paid and not given back.
    """
    kept = [charge for charge in charges if not charge.refunded]
    net = sum(credits_by_stars[charge.invoice.total] for charge in kept if charge.subscription is None) - spent
    months = [charge for charge in kept if charge.subscription is not None]
    until = float(months[0].date + len(months) * SUBSCRIPTION_PERIOD) if months else None
    return Holdings(max(net, 0), max(-net, 0), until)
