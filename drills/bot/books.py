"""What the bot's database says people have."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.tables import Entry, User, Wallet
from drills.bot.purse import Holdings


class Books:
    """Reads wallets, subscriptions and entries, in a new transaction each time."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def held(self) -> dict[int, Holdings]:
        """What everybody has, by person."""
        async with self._sessions() as session:
            rows = await session.execute(select(Wallet, User).join(User, User.id == Wallet.user_id))
            return {wallet.user_id: Holdings(wallet.balance, wallet.debt, user.plus_until) for wallet, user in rows}

    async def unbalanced(self) -> list[int]:
        """People whose wallet is not the sum of its entries."""
        sums = select(Entry.user_id, func.sum(Entry.credits), func.sum(Entry.debt)).group_by(Entry.user_id)
        async with self._sessions() as session:
            booked = {user_id: (credits, debt) for user_id, credits, debt in await session.execute(sums)}
        held = await self.held()
        return [user_id for user_id, sum_ in booked.items() if sum_ != (held[user_id].credits, held[user_id].debt)]
