"""A chat as a person (or a test) reads it: what the bot wrote, in order, and waiting for what it writes next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.playground.telegram.files import FileStore
from bot.playground.telegram.model import Event, Json, Message
from bot.playground.telegram.payments import Invoice

T = TypeVar("T")
_TRANSCRIPT = 12


class NothingCame(AssertionError):
    """What was waited for did not happen in time. Says what did."""


@dataclass(slots=True, eq=False)
class Reply:
    """A message of the bot's, as it looks now: edits show through."""

    message: Message
    files: FileStore
    edits: int = 0
    edits_seen: int = 0

    @property
    def text(self) -> str:
        """The text, or the caption of what has one, without markup."""
        content = self.message.content
        return str(content.get("text") or content.get("caption") or "")

    @property
    def entities(self) -> list[Json]:
        content = self.message.content
        return list(content.get("entities") or content.get("caption_entities") or [])

    @property
    def kind(self) -> str:
        """What it mainly shows: text, photo, document, invoice and so on."""
        known = ("text", "photo", "document", "animation", "video", "audio", "invoice")
        return next((name for name in known if name in self.message.content), "other")

    @property
    def rows(self) -> list[list[Json]]:
        """The inline keyboard."""
        return list((self.message.reply_markup or {}).get("inline_keyboard", []))

    @property
    def labels(self) -> list[str]:
        """What the buttons say, row by row."""
        return [button["text"] for row in self.rows for button in row]

    def button(self, label: str) -> Json:
        """The button that says exactly this, else the only one whose words or callback data contain it."""
        buttons = [button for row in self.rows for button in row]
        exact = [button for button in buttons if label in {button["text"], button.get("callback_data")}]
        near = [button for button in buttons if label in button["text"] or label in button.get("callback_data", "")]
        found = exact or near
        if len(found) != 1 and not exact:
            raise AssertionError(f"{len(found)} buttons match {label!r} among {self.labels}")
        return found[0]

    @property
    def invoice(self) -> Invoice:
        if self.message.invoice is None:
            raise AssertionError(f"no invoice: {self}")
        return self.message.invoice

    @property
    def file_id(self) -> str:
        """Of the photo's largest size or of the file."""
        shown = self.message.content[self.kind]
        return str(shown[-1]["file_id"] if self.kind == "photo" else shown["file_id"])

    @property
    def file_name(self) -> str:
        return str(self.message.content[self.kind].get("file_name", ""))

    def file(self) -> bytes:
        """The photo in its largest size, or the file."""
        blob = self.files.blob(self.file_id)
        if blob is None:
            raise AssertionError(f"the file of {self} is gone")
        return blob.read()

    @property
    def deleted(self) -> bool:
        return self.message.deleted

    def __str__(self) -> str:
        buttons = f" [{' | '.join(self.labels)}]" if self.labels else ""
        return f"#{self.message.id} {self.kind}: {self.text!r}{buttons}{' (deleted)' if self.deleted else ''}"


class Conversation:
    """The bot's side of one chat. Waits end with an event, or with `NothingCame` after ``patience`` seconds."""

    def __init__(self, chat_id: int, files: FileStore, patience: float) -> None:
        self.chat_id = chat_id
        self.replies: list[Reply] = []
        self.actions: list[str] = []
        """Chat actions such as ``upload_photo``, all of them."""
        self._files = files
        self._patience = patience
        self._read = 0
        self._by_message: dict[int, Reply] = {}
        self._waiting: set[asyncio.Future[None]] = set()

    def hear(self, event: Event) -> None:
        """Take note of something that happened in this chat."""
        match event.kind, event.message:
            case "message", Message(by_bot=True) as message:
                reply = Reply(message, self._files)
                self.replies.append(reply)
                self._by_message[message.id] = reply
            case "edit", Message(by_bot=True) as message if message.id in self._by_message:
                self._by_message[message.id].edits += 1
            case "chat_action", _:
                self.actions.append(event.details["action"])
            case _:
                pass
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    @property
    def unread(self) -> list[Reply]:
        """What the bot wrote that no wait has returned or skipped yet."""
        return self.replies[self._read :]

    async def next(self, patience: float | None = None) -> Reply:
        """The oldest unread message of the bot's."""
        return await self.find(lambda _: True, patience)

    async def find(self, wanted: str | Callable[[Reply], bool], patience: float | None = None) -> Reply:
        """The first unread message that contains these words or satisfies this; those before it count as read."""
        suits = (lambda reply: wanted in reply.text) if isinstance(wanted, str) else wanted

        def look() -> int | None:
            return next((at for at in range(self._read, len(self.replies)) if suits(self.replies[at])), None)

        at = await self.until(look, f"message with {wanted!r}" if isinstance(wanted, str) else "message", patience)
        self._read = at + 1
        return self.replies[at]

    async def album(self, patience: float | None = None) -> list[Reply]:
        """The next album, all of it."""
        first = await self.find(lambda reply: reply.message.media_group_id is not None, patience)
        group = first.message.media_group_id
        items = [reply for reply in self.replies if reply.message.media_group_id == group]
        self._read = self.replies.index(items[-1]) + 1
        return items

    async def edited(self, reply: Reply, wanted: str = "", patience: float | None = None) -> Reply:
        """Wait for an edit not waited for yet, after which the message contains these words."""

        def look() -> Reply | None:
            return reply if reply.edits > reply.edits_seen and wanted in reply.text else None

        await self.until(look, f"edit of {reply} with {wanted!r}", patience)
        reply.edits_seen = reply.edits
        return reply

    async def gone(self, reply: Reply, patience: float | None = None) -> None:
        """Wait until the bot has deleted a message."""
        await self.until(lambda: reply.deleted or None, f"deletion of {reply}", patience)

    async def until(self, look: Callable[[], T | None], what: str, patience: float | None = None) -> T:
        """Look again after everything that happens in this chat until there is something to return."""
        allowed = self._patience if patience is None else patience
        try:
            async with asyncio.timeout(allowed):
                while (found := look()) is None:
                    await self._something()
        except TimeoutError:
            said = "\n".join(f"  {reply}" for reply in self.replies[-_TRANSCRIPT:]) or "  nothing"
            raise NothingCame(f"no {what} within {allowed} s; the bot wrote:\n{said}") from None
        return found

    async def _something(self) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)
