"""The whole playground in one object: the server, its faults and limits, the page, and the people who use it."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.playground.api import BotApi
from bot.playground.api.server import BotApiServer
from bot.playground.client import Desk, Group, Person
from bot.playground.clock import Clock, SystemClock
from bot.playground.control import Control
from bot.playground.conversation import Conversation
from bot.playground.faults import Faults, Injector
from bot.playground.limits import FloodControl, Limits, Traffic
from bot.playground.telegram.cashier import Cashier
from bot.playground.telegram.errors import ApiError
from bot.playground.telegram.files import FileStore
from bot.playground.telegram.interactions import Interactions
from bot.playground.telegram.model import BotProfile, ChatType, Event
from bot.playground.telegram.people import People
from bot.playground.telegram.state import Telegram
from bot.playground.telegram.updates import LongPoll, UpdateQueue
from bot.playground.telegram.webhook import Webhook

_HOST = "127.0.0.1"


class Playground:
    """A running server: ``async with Playground() as playground``.

    ``port`` 0 takes a free one. ``patience``: for how many seconds of real time the people wait by default.
    ``numbers`` goes into those of people and groups, for a bot that has met those of another playground. Uploads are
    kept in a temporary folder that goes away at the end.
    """

    def __init__(
        self,
        bot: BotProfile | None = None,
        *,
        clock: Clock | None = None,
        limits: Limits | None = None,
        faults: Faults | None = None,
        port: int = 0,
        patience: float = 10.0,
        numbers: int = 0,
    ) -> None:
        self._port, self._patience = port, patience
        self._folder = tempfile.TemporaryDirectory(prefix="playground-")
        self._injector = Injector(faults or Faults())
        self.bot = bot or BotProfile()
        self.clock = clock or SystemClock()
        self.updates = UpdateQueue(self.clock, self._repeats)
        self.telegram = Telegram(
            self.bot, self.clock, FileStore(Path(self._folder.name)), self.updates, numbers=numbers
        )
        self._interactions = Interactions(self.telegram)
        self._cashier = Cashier(self.telegram)
        self._people = People(self.telegram)
        self._desk = Desk(self.telegram, self._people, self._interactions, self._cashier, patience)
        self._api = BotApi(
            self.telegram,
            self._interactions,
            self._cashier,
            FloodControl(limits or Limits(), self.clock.time()),
            LongPoll(self.updates, self.clock),
        )
        self._server = BotApiServer(self._api, self._injector)
        self._control = Control(self._api, self._people)
        self._conversations: dict[int, Conversation] = {}
        self._runner: web.AppRunner | None = None
        self.telegram.listeners.append(self._hear)

    # -- running -------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        listener = socket.create_server((_HOST, self._port))
        self._port = listener.getsockname()[1]
        app = self._server.application()
        app.add_subapp("/playground", self._control.application())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.drop_webhook()
        self._api.poll.abort(ApiError(500, "Internal Server Error: restart"))
        self._control.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """The base for ``TelegramAPIServer.from_base``."""
        return f"http://{_HOST}:{self._port}"

    @property
    def page_url(self) -> str:
        """The chat page."""
        return f"{self.url}/playground/"

    @property
    def token(self) -> str:
        return self.bot.token

    # -- people --------------------------------------------------------------------------------------------------------

    def person(self, first_name: str, *, language: str = "en", username: str = "", stars: int = 10_000) -> Person:
        """Someone new, who has not spoken to the bot yet."""
        user = self.telegram.add_user(first_name, language_code=language, username=username, stars=stars)
        return Person(user, self._conversation(user.id), self._desk)

    def group(self, title: str, *members: Person, kind: ChatType = "supergroup") -> Group:
        """A group of these people and the bot."""
        group = self.telegram.add_group(title, [person.user for person in members], kind)
        return Group(group, self._conversation(group.id), self._desk)

    # -- faults and limits ---------------------------------------------------------------------------------------------

    def set_faults(self, faults: Faults) -> None:
        """From now on, fail like this; counts start again."""
        self._injector = self._server.injector = Injector(faults)

    def set_limits(self, limits: Limits) -> None:
        """From now on, keep to these limits; counts start again."""
        self._api.flood = FloodControl(limits, self.clock.time())

    @property
    def traffic(self) -> Traffic:
        """What the bot has sent and how often it went beyond the limits."""
        return self._api.flood.traffic()

    @property
    def polled(self) -> bool:
        """Whether a getUpdates request of the bot's is waiting."""
        return self._api.poll.waiting

    @property
    def webhook(self) -> Webhook | None:
        """The webhook the bot has set."""
        return self._api.webhook

    @property
    def refusals(self) -> list[str]:
        """The latest refusals, such as ``sendmessage: Bad Request: chat not found``; without the injected ones."""
        return list(self._server.refusals)

    @property
    def injected(self) -> dict[str, int]:
        """How many faults of which kind were injected."""
        return dict(self._injector.counts)

    def _repeats(self, update_id: int) -> list[float]:
        return self._injector.repeats(update_id)

    def _conversation(self, chat_id: int) -> Conversation:
        conversation = Conversation(chat_id, self.telegram.files, self._patience)
        return self._conversations.setdefault(chat_id, conversation)

    def _hear(self, event: Event) -> None:
        conversation = self._conversations.get(event.chat_id or 0)
        if conversation is not None:
            conversation.hear(event)
