"""The end of a queue holds on both databases, however many replicas take orders at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from deployments.errors import Busy
from registry.store import FolderStore
from serve_app.access.guard import ANYONE
from serve_app.inventory import Inventory
from serve_app.jobs.desk import Desk
from serve_app.jobs.tables import Job
from serve_app.selection import Selection
from serve_app.settings import JobLimits, Settings


class Willing:
    """A pipeline that would do anything, with any photo."""

    def check(self, kind: str) -> None: ...

    async def check_names(self, styles: list[str], artwork: str | None) -> None: ...

    async def open(self, data: bytes) -> SimpleNamespace:
        return SimpleNamespace(data=data)


class Unhurried(Desk):
    """A desk whose jobs never end."""

    async def _perform(self, *_order: Any) -> Any:
        await asyncio.Event().wait()


@pytest.mark.parametrize(("owner", "room"), [(ANYONE, 5), ("a key's", 3)])
async def test_of_orders_that_come_at_once_no_more_are_taken_than_there_is_room_for(
    sessions: async_sessionmaker[AsyncSession], tmp_path: Path, owner: str, room: int
) -> None:
    settings = Settings(data_dir=tmp_path, jobs=JobLimits(per_key=3, quick=5))
    inventory = Inventory(FolderStore(tmp_path), Selection())
    desks = [Unhurried(Willing(), inventory, settings, sessions) for _ in range(2)]  # type: ignore[arg-type]
    async with desks[0].open(sessions), desks[1].open(sessions):
        orders = [desk.submit("faces", {"image": b"photo"}, {}, owner) for desk in desks * 10]
        outcomes = await asyncio.gather(*orders, return_exceptions=True)
    taken = [job for job in outcomes if isinstance(job, Job)]
    assert len(taken) == room
    assert all(isinstance(outcome, Busy) for outcome in outcomes if outcome not in taken)
    kept = {path.name for path in (tmp_path / "objects").rglob("*") if path.is_file()}
    assert kept == {job.inputs["image"].rpartition("/")[2] for job in taken}
