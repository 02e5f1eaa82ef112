"""One process of the drilled bot: the bot's own code from the update to the delivery, over the drills' studio.

Forked from a server that has it all imported (``multiprocessing``'s forkserver): starting again takes a moment, as it
has to when processes are killed by the dozen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

import uvicorn

from bot.running import RunningBot, running_bot
from bot.settings import BotSettings
from bot.updates.polling import Poller
from bot.updates.webhook import Webhook, register, webhook_app
from drills.bot.studio import Pace, graph
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.selection import Selection
from serve_app.settings import Settings
from serve_app.telemetry.logs import configure

Role = Literal["webhook", "poller", "backstage"]


@dataclass(frozen=True, slots=True)
class Part:
    """What a process is told. ``webhook`` replicas share ``port``; ``backstage`` ones work and deliver, and hear nobody."""

    role: Role
    settings: BotSettings
    studio: Settings
    pace: Pace
    port: int
    log: Path


def play(part: Part, ready: Connection) -> None:
    """Run until told to end, or until the drill is gone; say so on ``ready`` once updates are taken."""
    # Ctrl-C reaches the whole group, but it is the drill's to end this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure(part.log)
    _keep_warnings(part.log)
    asyncio.run(_play(part, ready))


async def _play(part: Part, ready: Connection) -> None:
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    drill = parent_process()
    if drill is not None:
        loop.add_reader(drill.sentinel, ending.set)
    inventory = Inventory(FolderStore(part.studio.store_dir), Selection())
    async with (
        running_bot(part.settings, part.studio, graph(part.pace), inventory) as running,
        _listening(part, running),
    ):
        ready.send_bytes(b"ready")
        await ending.wait()


@contextlib.asynccontextmanager
async def _listening(part: Part, running: RunningBot) -> AsyncIterator[None]:
    match part.role:
        case "webhook":
            async with _webhook(part, running):
                yield
        case "poller":
            polling = asyncio.create_task(Poller(running.bot, running.reception, drain_s=part.settings.drain_s).run())
            try:
                yield
            finally:
                polling.cancel()
                await asyncio.gather(polling, return_exceptions=True)
        case "backstage":
            yield


@contextlib.asynccontextmanager
async def _webhook(part: Part, running: RunningBot) -> AsyncIterator[None]:
    if part.settings.webhook_secret is None:
        raise ValueError("a webhook needs webhook_secret")
    hook = Webhook(part.settings.webhook_secret.get_secret_value())
    hook.reception = running.reception
    with shared_port(part.port) as listener:
        config = uvicorn.Config(webhook_app(hook), log_level="critical", lifespan="off", timeout_graceful_shutdown=2)
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            await register(running.bot, part.settings, running.reception.kinds)
            yield
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Leaves the signals to the process it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def shared_port(port: int, *, listening: bool = True) -> socket.socket:
    """A listener on a port that several processes take connections from (``SO_REUSEPORT``); 0 picks a free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    if listening:
        listener.listen(128)
    return listener


def _keep_warnings(path: Path) -> None:
    """What libraries warn of goes into the process's log too."""
    handler = logging.FileHandler(path.with_suffix(".warnings"), encoding="utf-8")
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
