"""What the methods work on, and their table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.playground.api.call import Call
from bot.playground.limits import FloodControl
from bot.playground.telegram.cashier import Cashier
from bot.playground.telegram.errors import too_many_requests
from bot.playground.telegram.interactions import Interactions
from bot.playground.telegram.model import Chat, Json
from bot.playground.telegram.state import Telegram
from bot.playground.telegram.updates import LongPoll
from bot.playground.telegram.webhook import Webhook


@dataclass(slots=True)
class BotApi:
    """The server side of a bot's requests."""

    telegram: Telegram
    interactions: Interactions
    cashier: Cashier
    flood: FloodControl
    poll: LongPoll
    webhook: Webhook | None = None
    webhook_set_at: float = 0.0
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)

    async def drop_webhook(self) -> None:
        """Stop delivering to the webhook, if one is set."""
        webhook, self.webhook = self.webhook, None
        if webhook is not None:
            await webhook.close()

    def admit(self, chat: Chat, messages: int = 1) -> None:
        """Count messages against the flood limits; raises the 429."""
        now = self.telegram.clock.time()
        wait = self.flood.admit(chat.id, now, group=chat.user is None, messages=messages)
        if wait is not None:
            raise too_many_requests(wait)


Handler = Callable[[BotApi, Call], Awaitable[Any]]
H = TypeVar("H", bound=Handler)

METHODS: dict[str, Handler] = {}


def method(name: str) -> Callable[[H], H]:
    """Register a method under the name the Bot API documents; callers may write it in any case."""

    def register(handler: H) -> H:
        METHODS[name.lower()] = handler
        return handler

    return register
