"""Connections to the database: whoever is called off leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from serve_app import database
from serve_app.database import connect, migrate
from serve_app.settings import Settings


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


async def test_who_is_called_off_in_a_transaction_keeps_nobody_waiting(tmp_path: Path) -> None:
    engine = connect(f"sqlite+aiosqlite:///{tmp_path}/studio.db")
    async with engine.begin() as connection:
        await connection.execute(text("create table counted (number integer)"))
        await connection.execute(text("insert into counted values (1), (2), (3)"))
    called_off: list[BaseException] = []

    async def work() -> None:
        try:
            async with engine.begin() as connection:
                await connection.execute(text("delete from counted where number = 1 returning number"))
                await connection.execute(text("select number from counted"))
        except asyncio.CancelledError as error:
            # Its traceback holds all that the work held, as it does where a job is given back.
            called_off.append(error)
            async with asyncio.timeout(10), engine.begin() as connection:
                await connection.execute(text("insert into counted values (4)"))
            raise

    for steps in range(40):
        working = asyncio.create_task(work())
        for _ in range(steps):
            await asyncio.sleep(0)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
    assert called_off
    await engine.dispose()


async def test_errors_of_the_database_quote_nothing_that_was_to_be_written(tmp_path: Path) -> None:
    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'some.db'}")
    with pytest.raises(OperationalError) as failure:
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (:caption)"), {"caption": "Grandmother in Lyon"})
    await engine.dispose()
    assert "Grandmother" not in str(failure.value)


def test_a_checkout_and_a_data_folder_may_have_any_sign_in_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "100% ours #1 $HOME"
    shutil.copytree(database.MIGRATIONS, odd / "migrations")
    monkeypatch.setattr(database, "MIGRATIONS", odd / "migrations")
    migrate(Settings(data_dir=odd / "it's a 'data' folder").sql_url)
    assert (odd / "it's a 'data' folder" / "masquerade.db").is_file()
