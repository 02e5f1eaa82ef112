"""The whole bot, in polling and in webhook mode, against the playground; behind it a real pipeline over stand-ins."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from bot.accounts.tariff import Pack, Subscription, Tariff
from bot.playground.host import Playground
from bot.playground.limits import Limits as FloodLimits
from bot.playground.telegram.model import BotProfile
from bot.running import RunningBot, running_bot
from bot.settings import BotSettings
from bot.updates.polling import Poller
from bot.updates.webhook import Webhook, register, webhook_app
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.rates import Rate
from serve_app.selection import Selection
from serve_app.settings import Settings
from tests.integration.bot.flows.stand_ins import StandIns

SECRET = "a-webhook-secret-for-tests-only"


@pytest.fixture
def stand_ins() -> StandIns:
    return StandIns()


@pytest.fixture(autouse=True)
def nobody_waits_for_telegrams_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The playground does not enforce them here, and they have tests of their own."""
    for limit in ("OVERALL", "PERSON", "GROUP", "NEWS"):
        monkeypatch.setattr(f"bot.delivery.limiter.{limit}", Rate(1000.0, 1000))


@pytest.fixture
def profile() -> BotProfile:
    """What BotFather was told."""
    return BotProfile(privacy_mode=False)


@pytest.fixture
async def playground(profile: BotProfile) -> AsyncIterator[Playground]:
    async with Playground(profile, limits=FloodLimits(enforced=False), patience=20) as running:
        yield running
        # A person may block the bot, a word on progress may reach a message that its result just replaced, and a tap
        # that is handled again was answered the first time.
        expected = ("Forbidden", "message to edit not found", "query is too old")
        assert not [refusal for refusal in running.refusals if not any(words in refusal for words in expected)]


@pytest.fixture
def tariff() -> Tariff:
    return Tariff(
        free_daily=5,
        free_album=3,
        plus_album=10,
        packs=(Pack(name="small", stars=50, credits=10),),
        subscription=Subscription(stars=250, daily=20),
    )


@pytest.fixture
def make_settings(playground: Playground, tariff: Tariff) -> Callable[..., BotSettings]:
    def make(**given: Any) -> BotSettings:
        flood = {"per_minute": 6000, "burst": 1000, "chat_per_minute": 6000, "chat_burst": 1000}
        values: dict[str, Any] = {
            "token": playground.token, "api_url": playground.url, "tariff": tariff, "flood": flood, "drain_s": 2
        }  # fmt: skip
        return BotSettings(**(values | given))

    return make


@contextlib.asynccontextmanager
async def polling(running: RunningBot) -> AsyncIterator[None]:
    ready = asyncio.Event()
    task = asyncio.create_task(Poller(running.bot, running.reception, drain_s=2).run(ready.set))
    await ready.wait()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def webhook(running: RunningBot, listener: socket.socket) -> AsyncIterator[None]:
    hook = Webhook(SECRET)
    hook.reception = running.reception
    app = webhook_app(hook)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=2))
    task = asyncio.create_task(server.serve([listener]))
    await register(running.bot, running.services.settings, running.reception.kinds)
    try:
        yield
    finally:
        server.should_exit = True
        await task


@contextlib.asynccontextmanager
async def at_work(
    mode: str,
    stand_ins: StandIns,
    studio: Settings,
    make_settings: Callable[..., BotSettings],
    **given: Any,
) -> AsyncIterator[RunningBot]:
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/telegram"
    if mode == "webhook":
        given |= {"mode": "webhook", "webhook_url": address, "webhook_secret": SECRET}
    inventory = Inventory(FolderStore(studio.store_dir), Selection())
    try:
        async with running_bot(make_settings(**given), studio, stand_ins.graph(), inventory) as running:
            async with polling(running) if mode == "polling" else webhook(running, listener):
                yield running
    finally:
        listener.close()


@pytest.fixture
def open_bot(
    stand_ins: StandIns, tmp_path: Path, make_settings: Callable[..., BotSettings], migrated_file: Path
) -> Callable[..., contextlib.AbstractAsyncContextManager[RunningBot]]:
    """``async with open_bot(mode="webhook", free_daily=…)``: the bot at work, with other settings than usual."""

    shutil.copy(migrated_file, tmp_path / "masquerade.db")

    def open_with(
        mode: str = "polling", artworks_dir: Path | None = None, **given: Any
    ) -> contextlib.AbstractAsyncContextManager[RunningBot]:
        studio = Settings(data_dir=tmp_path, artworks_dir=artworks_dir)
        return at_work(mode, stand_ins, studio, make_settings, **given)

    return open_with


@pytest.fixture
async def running(open_bot: Callable[..., Any]) -> AsyncIterator[RunningBot]:
    """The bot at work, polling."""
    async with open_bot() as running:
        yield running


@pytest.fixture(params=["polling", "webhook"])
async def either(request: pytest.FixtureRequest, open_bot: Callable[..., Any]) -> AsyncIterator[RunningBot]:
    """The bot at work, in both modes."""
    async with open_bot(mode=request.param) as running:
        yield running
