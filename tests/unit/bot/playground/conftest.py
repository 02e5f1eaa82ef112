"""A Bot API without HTTP: methods are called directly, time stands still, pictures are tiny."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.playground.api import METHODS, BotApi
from bot.playground.api.call import Call, Upload
from bot.playground.clock import ManualClock
from bot.playground.limits import FloodControl, Limits
from bot.playground.telegram.cashier import Cashier
from bot.playground.telegram.errors import ApiError
from bot.playground.telegram.files import FileStore
from bot.playground.telegram.interactions import Interactions
from bot.playground.telegram.model import BotProfile, Chat, User
from bot.playground.telegram.people import People
from bot.playground.telegram.state import Telegram
from bot.playground.telegram.updates import LongPoll, Update, UpdateQueue


def picture(width: int = 40, height: int = 30, kind: str = "JPEG", **options: Any) -> bytes:
    encoded = io.BytesIO()
    Image.new("RGB", (width, height), (200, 80, 40)).save(encoded, kind, **options)
    return encoded.getvalue()


class Bench:
    """One bot, one person who has started it, and direct access to everything."""

    def __init__(self, folder: Path, profile: BotProfile) -> None:
        self.clock = ManualClock()
        self.updates = UpdateQueue(self.clock, lambda _: [])
        self.telegram = Telegram(profile, self.clock, FileStore(folder), self.updates)
        self.interactions = Interactions(self.telegram)
        self.cashier = Cashier(self.telegram)
        self.people = People(self.telegram)
        self.api = BotApi(
            self.telegram,
            self.interactions,
            self.cashier,
            FloodControl(Limits(enforced=False), self.clock.time()),
            LongPoll(self.updates, self.clock),
        )
        self.anna: User = self.telegram.add_user("Anna", stars=1000)
        self.chat: Chat = self.telegram.private_chat(self.anna)
        self.people.send(self.anna, self.chat, {"text": "/start"})
        self.updates.clear()

    async def call(self, name: str, files: dict[str, Upload] | None = None, **args: Any) -> Any:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in args.items()}
        return await METHODS[name.lower()](self.api, Call(name.lower(), texts, files or {}))

    async def refusal(self, name: str, files: dict[str, Upload] | None = None, **args: Any) -> str:
        """The description with which a call is refused."""
        with pytest.raises(ApiError) as caught:
            await self.call(name, files, **args)
        return caught.value.description

    async def to_anna(self, name: str, **args: Any) -> Any:
        return await self.call(name, chat_id=self.anna.id, **args)

    def heard(self) -> list[Update]:
        """What the bot would get, taken from the queue."""
        taken = self.updates.take(0, 100)
        self.updates.clear()
        return taken


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, BotProfile())


@pytest.fixture
def open_bench(tmp_path: Path) -> Bench:
    """The same with privacy mode off."""
    return Bench(tmp_path, BotProfile(privacy_mode=False))


@pytest.fixture
def make_picture() -> Callable[..., bytes]:
    return picture


@pytest.fixture
def make_bench() -> type[Bench]:
    return Bench
