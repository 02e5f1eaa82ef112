"""Who and what exists in the imitated Telegram: users, chats, messages and what happens to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bot.playground.telegram.payments import Invoice

Json = dict[str, Any]
"""A Bot API object, with the field names of the Bot API."""

ChatType = Literal["private", "group", "supergroup"]
BotStatus = Literal["member", "administrator", "left", "kicked"]


@dataclass(frozen=True, slots=True)
class BotProfile:
    """The one bot this server knows, as BotFather would have set it up.

    With ``privacy_mode`` (Telegram's default) the bot sees only commands, replies to itself and service messages of a
    group; a plain mention of its name does not reach it.
    """

    token: str = "1000001:playground-token-that-opens-nothing"  # noqa: S105 - a made-up token
    username: str = "masquerade_playground_bot"
    name: str = "Masquerade"
    privacy_mode: bool = True
    inline: bool = True

    @property
    def id(self) -> int:
        return int(self.token.split(":", 1)[0])

    def json(self) -> Json:
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}


@dataclass(slots=True, eq=False)
class User:
    """A person with a Telegram account. ``started`` once they have opened the private chat with the bot."""

    id: int
    first_name: str
    username: str = ""
    language_code: str = "en"
    stars: int = 0
    started: bool = False
    blocked_bot: bool = False
    deactivated: bool = False

    def json(self) -> Json:
        known: Json = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        for name in ("username", "language_code"):
            if value := getattr(self, name):
                known[name] = value
        return known


@dataclass(slots=True, eq=False)
class Chat:
    """A conversation: private with one user, or a group."""

    id: int
    type: ChatType
    title: str = ""
    user: User | None = None
    members: dict[int, User] = field(default_factory=dict)
    bot_status: BotStatus = "member"
    messages: dict[int, Message] = field(default_factory=dict)

    def json(self) -> Json:
        if self.user is None:
            return {"id": self.id, "type": self.type, "title": self.title}
        names = {name: value for name, value in self.user.json().items() if name in {"first_name", "username"}}
        return {"id": self.id, "type": "private"} | names


# Who writes what an anonymous administrator wrote, as bots are told.
_ANONYMOUS_ADMINISTRATOR: Json = {
    "id": 1_087_968_824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}


@dataclass(slots=True, eq=False)
class Message:
    """One message. ``content`` holds the Bot API's own fields: text and entities, photo and caption, invoice.

    ``anonymous`` when its author writes as the group, as administrators may.
    """

    id: int
    chat: Chat
    sender: User | None
    bot: BotProfile
    date: int
    content: Json
    by_bot: bool = False
    reply_markup: Json | None = None
    edit_date: int | None = None
    media_group_id: str | None = None
    reply_to: Message | None = None
    forward_origin: Json | None = None
    via_bot: bool = False
    inline_message_id: str | None = None
    anonymous: bool = False
    invoice: Invoice | None = None
    deleted: bool = False

    def json(self, *, with_reply: bool = True) -> Json:
        message: Json = {"message_id": self.id, "from": self.bot.json() if self.sender is None else self.sender.json()}
        if self.anonymous:
            message |= {"from": _ANONYMOUS_ADMINISTRATOR, "sender_chat": self.chat.json()}
        message |= {"chat": self.chat.json(), "date": self.date}
        if self.edit_date is not None:
            message["edit_date"] = self.edit_date
        if self.forward_origin is not None:
            message["forward_origin"] = self.forward_origin
        if with_reply and self.reply_to is not None and not self.reply_to.deleted:
            message["reply_to_message"] = self.reply_to.json(with_reply=False)
        if self.via_bot:
            message["via_bot"] = self.bot.json()
        if self.media_group_id is not None:
            message["media_group_id"] = self.media_group_id
        message |= self.content
        if self.reply_markup is not None and "inline_keyboard" in self.reply_markup:
            message["reply_markup"] = self.reply_markup
        return message

    def inaccessible(self) -> Json:
        """What is left of a message that no longer exists (date 0 tells the two apart)."""
        return {"chat": self.chat.json(), "message_id": self.id, "date": 0}


_ADMINISTRATOR_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


def member_json(user: Json, status: BotStatus) -> Json:
    """A ChatMember."""
    member: Json = {"user": user, "status": status}
    if status == "administrator":
        member |= dict.fromkeys(_ADMINISTRATOR_RIGHTS, False) | {"can_manage_chat": True, "can_delete_messages": True}
    if status == "kicked":
        member["until_date"] = 0
    return member


EventKind = Literal[
    "message",
    "edit",
    "delete",
    "chat_action",
    "payment",
    "refund",
    "profile",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something a person (or a test in their place) would see happen on the screen."""

    kind: EventKind
    chat_id: int | None = None
    message: Message | None = None
    details: Json = field(default_factory=dict)
