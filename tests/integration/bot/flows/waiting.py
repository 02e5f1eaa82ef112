"""Waiting for what a bot does out of sight."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select

from bot.intake.tables import SeenUpdate
from bot.running import RunningBot


async def handled(running: RunningBot, updates: int) -> None:
    """Wait until so many updates were handled to the end."""
    done = select(func.count()).select_from(SeenUpdate).where(SeenUpdate.done)
    async with asyncio.timeout(20):
        while True:
            async with running.services.sessions() as session:
                if (await session.execute(done)).scalar_one() >= updates:
                    return
            await asyncio.sleep(0.02)
