"""A bot to be drilled: the playground in this process, a database, and the bot's processes around both."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.accounts.accounts import Accounts
from bot.accounts.credits import Credits
from bot.accounts.tariff import Tariff
from bot.playground.client import Person
from bot.playground.faults import Faults
from bot.playground.host import Playground
from bot.playground.limits import Limits
from bot.settings import BotSettings, FloodLimits
from drills.bot.replica import Part, Role, shared_port
from drills.bot.studio import Pace
from drills.bot.troupe import Troupe
from drills.databases import Kind, database
from serve_app.database import connect
from serve_app.settings import Settings

Mode = Literal["polling", "webhook"]

SECRET = "a-webhook-secret-for-drills-only"

LISTENED_TO = FloodLimits(per_minute=6000, burst=1000, chat_per_minute=6000, chat_burst=1000)
"""The people of a drill write as if they were many; that the bot turns floods away is not what is tried."""

BAD_WEATHER = Faults(too_many_requests=0.05, server_error=0.02, deliveries=3)
"""5 % of sends are answered 429, 2 % with 500, and every update is delivered up to three times."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a bot is set up for a drill: ``processes`` of them, each with ``workers`` jobs in hand at a time.

    Where processes are killed, a short ``takeover_s`` saves waiting.
    """

    database: Kind
    mode: Mode
    processes: int
    workers: int
    tariff: Tariff
    pace: Pace
    admins: frozenset[int] = frozenset()
    takeover_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What a drill works with. ``sessions`` look into the bot's database beside it."""

    setting: Setting
    playground: Playground
    troupe: Troupe
    sessions: async_sessionmaker[AsyncSession]
    logs: Path

    async def endow(self, people: Sequence[Person], credits: int) -> None:
        """Open these people's accounts and give each so many bought credits."""
        money = Credits(self.setting.tariff)
        accounts = Accounts(money, b"a key for drills")
        async with self.sessions.begin() as session:
            for person in people:
                await accounts.open(session, person.user.id, "en")
                await money.pay_in(session, person.user.id, credits, f"drill:{person.user.id}")

    def complaints(self) -> list[str]:
        """What the bot's processes logged as errors."""
        lines = [line for log in sorted(self.logs.glob("*.jsonl*")) for line in log.read_text().splitlines()]
        return [line for line in lines if '"level": "error"' in line]


@contextlib.asynccontextmanager
async def stage(setting: Setting, *, faults: Faults | None = None, patience: float = 60.0) -> AsyncIterator[Stage]:
    """Set everything up, run the bot until the block ends, and leave nothing behind."""
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="drill-")))
        url = opened.enter_context(database(setting.database, folder))
        engine = connect(url)
        try:
            async with (
                Playground(limits=Limits(), faults=faults, patience=patience) as playground,
                _played(setting, playground, engine, url, folder) as running,
            ):
                yield running
        finally:
            await engine.dispose()


@contextlib.asynccontextmanager
async def _played(
    setting: Setting, playground: Playground, engine: AsyncEngine, url: str, folder: Path
) -> AsyncIterator[Stage]:
    logs = folder / "logs"
    # Held, not listened on, so that the port stays ours while every replica is dead.
    with shared_port(0, listening=False) as held:
        port = held.getsockname()[1]
        settings = BotSettings(
            token=SecretStr(playground.token),
            mode=setting.mode,
            webhook_url=f"http://127.0.0.1:{port}/telegram",
            webhook_secret=SecretStr(SECRET),
            api_url=playground.url,
            admins=setting.admins,
            tariff=setting.tariff,
            flood=LISTENED_TO,
            workers=setting.workers,
            drain_s=5.0,
            takeover_s=setting.takeover_s,
        )
        studio = Settings(data_dir=folder, models_dir=folder / "models", database_url=SecretStr(url))
        parts = [
            Part(role, settings, studio, setting.pace, port, logs / f"{role}-{number}.jsonl")
            for number, role in enumerate(_roles(setting), start=1)
        ]
        troupe = Troupe(parts)
        logs.mkdir()
        async with troupe.at_work():
            yield Stage(setting, playground, troupe, async_sessionmaker(engine, expire_on_commit=False), logs)


def _roles(setting: Setting) -> list[Role]:
    """Telegram allows one poller; the others then only work and deliver."""
    if setting.mode == "webhook":
        return ["webhook"] * setting.processes
    return ["poller", *["backstage"] * (setting.processes - 1)]  # type: ignore[list-item]  # literals
