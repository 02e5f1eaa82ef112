"""Who pays, and a bank that takes notes."""

from __future__ import annotations

ANNA, BORIS = 1001, 1002


class FakeBank:
    def __init__(self) -> None:
        self.refunds: list[tuple[int, str]] = []
        self.stopped: list[tuple[int, str]] = []

    async def refund(self, user_id: int, charge_id: str) -> None:
        self.refunds.append((user_id, charge_id))

    async def stop_renewal(self, user_id: int, charge_id: str) -> bool:
        self.stopped.append((user_id, charge_id))
        return True
