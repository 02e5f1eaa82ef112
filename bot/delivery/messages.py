"""What is sent and what can go wrong with sending it, in the bot's own words rather than a client library's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from aiogram.types import InlineKeyboardMarkup

Action = Literal["typing", "upload_photo", "upload_document"]


@dataclass(frozen=True, slots=True)
class Address:
    """A chat, a topic in it and the message to answer; should that message be gone, the answer comes without it."""

    chat_id: int
    thread_id: int | None = None
    reply_to: int | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture: its bytes, or ``file_id`` where Telegram has it already. ``name`` is what a document is called."""

    name: str
    data: bytes = b""
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message: a text (HTML, at most 4,096 characters), or one to ten pictures with ``text`` as their caption.

    Captions hold 1,024 characters. Albums (two pictures and more) cannot carry a keyboard: Telegram has none there.
    """

    text: str
    pictures: tuple[Attachment, ...] = ()
    as_file: bool = False
    keyboard: InlineKeyboardMarkup | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What arrived. ``file_ids`` are those of the pictures, in their order; ``as_file``: Telegram has them as files."""

    message_ids: tuple[int, ...]
    file_ids: tuple[str, ...] = ()
    as_file: bool = False


class NotSent(Exception):
    """Base of what a :class:`Sender` raises."""


class Unreachable(NotSent):
    """Nobody is there: the bot was blocked or removed, the account is gone, the chat was deleted."""


class Rejected(NotSent):
    """Telegram will not take this message, however often it is tried."""


class NoPictures(Rejected):
    """A group that may be written to, but shown no pictures."""


class Uncertain(NotSent):
    """The connection broke or the server failed: the message may have arrived, or not. Trying again may mend it."""


class Flooded(NotSent):
    """Too many messages even after waiting as told; nothing was sent. Try again after ``retry_after`` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class Sender(Protocol):
    """Sends messages, within the limits. All but the last two raise :class:`NotSent`."""

    async def send(self, to: Address, message: Outgoing) -> Sent:
        """Send a message of text, a picture or an album."""
        ...

    async def edit(self, chat_id: int, message_id: int, message: Outgoing) -> None:
        """Replace a text message's text and keyboard; that it is gone or says so already is fine."""
        ...

    async def remove(self, chat_id: int, message_id: int) -> None:
        """Delete a message of ours, if it can still be deleted."""
        ...

    async def act(self, to: Address, action: Action) -> None:
        """Show an activity for five seconds; dropped when the limits leave no room for it."""
        ...
