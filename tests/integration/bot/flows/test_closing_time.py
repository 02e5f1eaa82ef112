"""Nothing of the people of a playground is left when it closes: nobody could come back and ask for it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import async_sessionmaker

from bot import process
from bot.accounts.tables import Activity, Identity, User
from bot.accounts.tariff import Tariff
from bot.playground.host import Playground
from bot.running import RunningBot
from registry.store import FolderStore
from serve_app.database import connect
from serve_app.inventory import Inventory
from serve_app.selection import Selection
from serve_app.settings import Settings
from tests.integration.bot.flows.stand_ins import StandIns
from tests.integration.bot.flows.steps import painted, save_face


@pytest.fixture
def tariff() -> Tariff:
    """Nothing is for sale, so that everybody may put faces into their own photos."""
    return Tariff(free_daily=5, subscription=None, packs=())


@pytest.fixture
def data_dir(tmp_path: Path, migrated_file: Path) -> Path:
    """With a database for the playground, which would take a while to make one."""
    (tmp_path / "data" / "playground").mkdir(parents=True)
    shutil.copy(migrated_file, tmp_path / "data" / "playground" / "masquerade.db")
    return tmp_path / "data"


def stored(folder: Path) -> list[Path]:
    return [path for path in folder.glob("playground/bot-*/*/*/*") if path.is_file()]


async def counts(folder: Path) -> list[int]:
    """How many people, faces and days of theirs the playground's database knows."""
    engine = connect(f"sqlite+aiosqlite:///{folder}/playground/masquerade.db")
    async with async_sessionmaker(engine)() as session:
        found = [
            (await session.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (User, Identity, Activity)
        ]
    await engine.dispose()
    return found


@pytest.fixture
def visited(
    data_dir: Path, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Playground], Any]], Any]:
    """Open a playground as the command does, do something in it and close it."""
    opened: list[Playground] = []

    class Remembered(Playground):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            opened.append(self)

    monkeypatch.setattr(process, "Playground", Remembered)
    monkeypatch.setattr(process, "running_graph", lambda *_: stand_ins.graph())

    async def visit(do: Callable[[Playground], Any]) -> None:
        ready = asyncio.Event()
        inventory = Inventory(FolderStore(data_dir / "models"), Selection())
        studio = Settings(data_dir=data_dir)
        playing = asyncio.create_task(process.in_playground(studio, inventory, 0, lambda _: ready.set()))
        try:
            async with asyncio.timeout(60):
                await ready.wait()
            await do(opened[-1])
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)

    return visit


async def test_who_was_in_a_playground_is_forgotten_when_it_closes(data_dir: Path, visited: Any) -> None:
    async def stay(playground: Playground) -> None:
        await painted(playground.person("Ann"))
        assert stored(data_dir)

    await visited(stay)
    assert stored(data_dir) == []
    assert await counts(data_dir) == [0, 0, 1], "that somebody was there is counted"


async def test_whom_a_playground_that_was_killed_has_left_is_forgotten_when_the_next_opens(
    data_dir: Path, visited: Any, open_bot: Callable[..., AbstractAsyncContextManager[RunningBot]], tmp_path: Path,
    playground: Playground,
) -> None:  # fmt: skip
    async with open_bot():
        await save_face(playground.person("Ann"), "Grandmother")
    shutil.copytree(tmp_path, data_dir / "playground", dirs_exist_ok=True, ignore=lambda *_: ["data"])
    assert stored(data_dir)
    assert (await counts(data_dir))[:2] == [1, 1]

    async def look(_: Playground) -> None:
        assert stored(data_dir) == []
        assert (await counts(data_dir))[:2] == [0, 0]

    await visited(look)
