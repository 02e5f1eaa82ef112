"""Connections to the database: whoever is called off leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from serve_app.database import connect


@pytest.mark.parametrize("steps", range(24))
def test_who_is_called_off_while_the_database_opens_leaves_no_thread_behind(tmp_path: Path, steps: int) -> None:
    """Called off after so many turns of the loop: before, while and after the connection opens."""
    before = set(threading.enumerate())

    async def main() -> None:
        engine = connect(f"sqlite+aiosqlite:///{tmp_path}/studio.db")

        async def ask() -> None:
            async with engine.connect() as connection:
                await connection.execute(text("select 1"))

        asking = asyncio.create_task(ask())
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await engine.dispose()

    # A thread that answered to the loop after its end would say so: warnings are errors here.
    asyncio.run(main())
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
