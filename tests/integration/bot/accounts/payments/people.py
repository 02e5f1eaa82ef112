"""Who pays, and a bank that takes notes."""

from __future__ import annotations

ANNA, BORIS = 1001, 1002


class FakeBank:
    """Does what it is asked, but for the subscriptions ``without`` which it says it has not got."""

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self.refunds: list[tuple[int, str]] = []
        self.stopped: list[tuple[int, str]] = []
        self._without = without

    async def refund(self, user_id: int, charge_id: str) -> None:
        self.refunds.append((user_id, charge_id))

    async def stop_renewal(self, user_id: int, charge_id: str) -> bool:
        self.stopped.append((user_id, charge_id))
        return charge_id not in self._without
