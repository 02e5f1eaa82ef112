"""The driver: people who talk to the bot, for tests, drills and scripts."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.playground.conversation import Conversation, NothingCame, Reply
from bot.playground.telegram.cashier import Cashier
from bot.playground.telegram.files import Kind
from bot.playground.telegram.interactions import InlineQuery, Interactions, Tap
from bot.playground.telegram.model import BotStatus, Chat, Json, Message, User
from bot.playground.telegram.payments import Charge, Subscription
from bot.playground.telegram.people import People
from bot.playground.telegram.state import Telegram
from bot.playground.telegram.text import format_text

_FILES: dict[Kind, str] = {
    "video": "video/mp4",
    "animation": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "video_note": "video/mp4",
    "sticker": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the driver works with: the state and the things people can do to it."""

    telegram: Telegram
    people: People
    interactions: Interactions
    cashier: Cashier
    patience: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The bot's answer to a tap, as the person sees it."""

    text: str
    alert: bool
    url: str


class Group:
    """A group chat with the bot in it; ``chat`` reads what the bot writes there."""

    def __init__(self, group: Chat, chat: Conversation, desk: Desk) -> None:
        self.group = group
        self.chat = chat
        self._desk = desk

    def add(self, *people: Person) -> None:
        for person in people:
            self.group.members[person.user.id] = person.user

    def set_bot_status(self, by: Person, status: BotStatus) -> None:
        """A member adds the bot ("member"), makes it "administrator" or throws it out ("kicked")."""
        self._desk.people.set_bot_status(self.group, by.user, status)


class Person:
    """Someone with a Telegram account; ``chat`` reads what the bot writes to them in private.

    Everything that sends takes ``to``: a group instead of the private chat; and ``reply_to``: the message replied to.
    """

    def __init__(self, user: User, chat: Conversation, desk: Desk) -> None:
        self.user = user
        self.chat = chat
        self._desk = desk

    @property
    def stars(self) -> int:
        """The balance in Telegram Stars."""
        return self.user.stars

    # -- writing -------------------------------------------------------------------------------------------------------

    async def start(self, payload: str = "") -> Message:
        """Press Start in the bot's profile, or follow its deep link; who has blocked the bot unblocks it by that."""
        if self.user.blocked_bot:
            self.unblock()
        return await self.say(f"/start {payload}".strip())

    async def say(self, text: str, *, to: Group | None = None, reply_to: Reply | Message | None = None) -> Message:
        """Write a message: plain text, in which the server finds commands, mentions and links."""
        return self._send(format_text(text).fields("text"), to, reply_to)

    async def send_photo(self, data: bytes, caption: str = "", *, forwarded_from: str = "", **where: Any) -> Message:
        """Send a picture as a photo (longest side 1280 pixels), re-encoded by the server."""
        asset = await asyncio.to_thread(self._desk.telegram.files.add_photo, data)
        content = asset.content() | format_text(caption).fields("caption")
        return self._send(content, forwarded_from=forwarded_from, **where)

    async def send_document(
        self, data: bytes, name: str = "photo.jpg", mime: str = "image/jpeg", caption: str = "", **where: Any
    ) -> Message:
        """Send a file as it is."""
        files = self._desk.telegram.files
        asset = await asyncio.to_thread(files.add_file, "document", data, name=name, mime=mime)
        return self._send(asset.content() | format_text(caption).fields("caption"), **where)

    async def send_album(self, pictures: Sequence[bytes], caption: str = "", **where: Any) -> list[Message]:
        """Send several photos at once: separate updates that share a media group; the caption is the first one's."""
        files = self._desk.telegram.files
        contents = [(await asyncio.to_thread(files.add_photo, data)).content() for data in pictures]
        contents[0] |= format_text(caption).fields("caption")
        album = str(secrets.randbits(60))
        return [self._send(content, media_group_id=album, **where) for content in contents]

    async def send_other(
        self, kind: Kind, data: bytes = b"not looked into", caption: str = "", **where: Any
    ) -> Message:
        """Send a video, animation, audio, voice, video_note or sticker; their contents are not looked into."""
        seconds = None if kind == "sticker" else 5
        asset = self._desk.telegram.files.add_file(kind, data, mime=_FILES[kind], duration=seconds)
        return self._send(asset.content() | format_text(caption).fields("caption"), **where)

    async def send_content(self, content: Json, **where: Any) -> Message:
        """Send anything else, by the fields the Bot API gives it: ``{"location": {...}}``, ``{"contact": {...}}``."""
        return self._send(content, **where)

    async def forward(self, message: Reply | Message, *, to: Group | None = None) -> Message:
        """Forward a message to the bot, or into a group."""
        source = message.message if isinstance(message, Reply) else message
        author = source.bot.json() if source.sender is None else source.sender.json()
        origin = {"type": "user", "date": source.date, "sender_user": author}
        return self._send(dict(source.content), to, forward_origin=origin)

    async def edit(self, message: Message, text: str) -> None:
        """Rewrite one's own message, or its caption."""
        self._desk.people.edit(message, text)

    def _send(
        self,
        content: Json,
        to: Group | None = None,
        reply_to: Reply | Message | None = None,
        forwarded_from: str = "",
        **details: Any,
    ) -> Message:
        chat = self._desk.telegram.private_chat(self.user) if to is None else to.group
        if forwarded_from:
            date = self._desk.telegram.now()
            details["forward_origin"] = {"type": "hidden_user", "date": date, "sender_user_name": forwarded_from}
        target = reply_to.message if isinstance(reply_to, Reply) else reply_to
        return self._desk.people.send(self.user, chat, content, reply_to=target, **details)

    # -- buttons -------------------------------------------------------------------------------------------------------

    async def tap(self, reply: Reply, label: str) -> Tap:
        """Tap a callback button, named by its label or its data, or by a part that only it has."""
        button = reply.button(label)
        if "callback_data" not in button:
            raise AssertionError(f"{label!r} is not a callback button: {button}")
        return self._desk.interactions.tap(self.user, reply.message, button["callback_data"])

    async def tap_data(self, reply: Reply, data: str) -> Tap:
        """Send callback data that the message need not show any more: a stale keyboard, or a forged request."""
        return self._desk.interactions.tap(self.user, reply.message, data)

    async def answer(self, tap: Tap, patience: float | None = None) -> Answer:
        """Wait for the bot's answer to a tap."""
        await self._within(tap.answered, patience, "answer to the tap")
        given = tap.answer or {}
        return Answer(given.get("text", ""), bool(given.get("show_alert")), given.get("url", ""))

    async def follow(self, reply: Reply, label: str) -> Message:
        """Press a button that links back to the bot (``https://t.me/<bot>?start=…``)."""
        payload = parse_qs(urlsplit(str(reply.button(label).get("url", ""))).query).get("start")
        if payload is None:
            raise AssertionError(f"{label!r} is no deep link: {reply.button(label)}")
        return await self.start(payload[0])

    # -- money ---------------------------------------------------------------------------------------------------------

    async def pay(self, what: Reply | str) -> Charge:
        """Pay an invoice message or an invoice link; raises `PaymentFailed`. Paying twice is possible."""
        invoice = self._desk.telegram.ledger.by_link(what) if isinstance(what, str) else what.invoice
        return await self._desk.cashier.outcome(self._desk.cashier.open(self.user, invoice))

    def repeat_success(self, charge: Charge) -> Message:
        """Have Telegram say a second time, in another update, that this payment succeeded."""
        return self._desk.cashier.announce(charge)

    def renew(self, subscription: Subscription) -> Charge | None:
        """A month passes: the next payment, or None and a ``failed`` update for want of Stars."""
        return self._desk.cashier.renew(subscription)

    def cancel(self, subscription: Subscription) -> None:
        self._desk.cashier.cancel(subscription)

    def resume(self, subscription: Subscription) -> None:
        self._desk.cashier.resume(subscription)

    # -- inline --------------------------------------------------------------------------------------------------------

    async def inline(self, text: str, patience: float | None = None) -> InlineQuery:
        """Type the bot's name and a query; ``answer["results"]`` of what is returned is what the bot offers."""
        query = self._desk.interactions.ask_inline(self.user, text)
        await self._within(query.answered, patience, "answer to the inline query")
        return query

    def choose(self, query: InlineQuery, result_id: str, to: Group | None = None) -> Message:
        """Post one of the offered results, into a group or into a chat the bot is not in."""
        results = query.answer["results"] if query.answer else []
        chosen = next(result for result in results if result["id"] == result_id)
        chat = Chat(0, "private", user=self.user) if to is None else to.group
        return self._desk.people.share(self.user, chosen, chat, query)

    # -- the account ---------------------------------------------------------------------------------------------------

    def block(self) -> None:
        self._desk.people.block(self.user)

    def unblock(self) -> None:
        self._desk.people.unblock(self.user)

    def delete_chat(self) -> None:
        """Delete the private chat for both sides."""
        self._desk.people.delete_chat(self.user)

    def deactivate(self) -> None:
        """Delete the whole account."""
        self._desk.people.deactivate(self.user)

    async def _within(self, event: asyncio.Event, patience: float | None, what: str) -> None:
        allowed = self._desk.patience if patience is None else patience
        try:
            async with asyncio.timeout(allowed):
                await event.wait()
        except TimeoutError:
            raise NothingCame(f"no {what} within {allowed} s") from None
