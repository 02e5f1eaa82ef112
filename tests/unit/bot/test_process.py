"""The playground as `masquerade bot --playground` opens it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot import process
from bot.playground.host import Playground
from bot.settings import BotSettings
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.selection import Selection
from serve_app.settings import Settings


@pytest.fixture
def bots(monkeypatch: pytest.MonkeyPatch) -> list[tuple[BotSettings, Settings]]:
    """The settings of bots that were opened; none of them polls."""
    opened: list[tuple[BotSettings, Settings]] = []

    async def nothing(*_: Any) -> None:
        return None

    @contextlib.asynccontextmanager
    async def running_bot(settings: BotSettings, studio: Settings, *_: Any) -> AsyncIterator[Any]:
        opened.append((settings, studio))
        yield SimpleNamespace(services=SimpleNamespace(erasure=SimpleNamespace(delete_all=nothing)))

    monkeypatch.setattr(process, "running_bot", running_bot)
    monkeypatch.setattr(process, "running_graph", lambda *_: None)
    monkeypatch.setattr(process, "_poll", nothing)
    return opened


@pytest.mark.usefixtures("bots")
async def test_nobody_in_a_playground_was_met_in_an_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Playground] = []

    class Remembered(Playground):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            opened.append(self)

    monkeypatch.setattr(process, "Playground", Remembered)
    inventory = Inventory(FolderStore(tmp_path), Selection())
    for _ in range(2):
        await process.in_playground(Settings(data_dir=tmp_path), inventory, 0, lambda _: None)
    first, second = ({playground.person(name).user.id for name in ("Ann", "Bob")} for playground in opened)
    assert not first & second
    ann, bob = (playground.group("Family", playground.person("Ann")) for playground in opened)
    assert ann.group.id != bob.group.id


async def test_a_playground_keeps_off_the_real_bots_database_and_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bots: list[tuple[BotSettings, Settings]]
) -> None:
    monkeypatch.setenv("MASQUERADE_BOT_REDIS_URL", "redis://real:6379")
    folder, cluster = (
        Settings(data_dir=tmp_path),
        Settings(data_dir=tmp_path, database_url="postgresql+asyncpg://real/bot", objects_url="s3://real-photos"),
    )
    for real in (folder, cluster):
        await process.in_playground(real, Inventory(FolderStore(tmp_path), Selection()), 0, lambda _: None)
        bot, studio = bots.pop()
        assert bot.redis_url is None
        assert studio.sql_url == f"sqlite+aiosqlite:///{tmp_path}/playground/masquerade.db"
        assert (studio.objects_url, studio.data_folder) == (None, tmp_path / "playground")
        assert studio.store_dir == real.store_dir
