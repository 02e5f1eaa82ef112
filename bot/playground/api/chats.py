"""Methods about chats and files."""

from __future__ import annotations

from bot.playground.api.registry import BotApi, method
from bot.playground.call import Call
from bot.playground.errors import bad_request
from bot.playground.model import BotStatus, Event, Json, member_json

_GIFTS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)


@method("getChat")
async def get_chat(api: BotApi, call: Call) -> Json:
    chat = api.telegram.chat(call.text("chat_id"))
    fixed = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(_GIFTS, True)}
    return chat.json() | fixed


@method("getChatMember")
async def get_chat_member(api: BotApi, call: Call) -> Json:
    chat = api.telegram.chat(call.text("chat_id"))
    user_id = call.user_id()
    if user_id == api.telegram.bot.id:
        return member_json(api.telegram.bot.json(), chat.bot_status)
    user = api.telegram.users.get(user_id)
    if user is None:
        raise bad_request("user not found")
    status: BotStatus = "member" if user_id in chat.members else "left"
    return member_json(user.json(), status)


@method("getChatMemberCount")
async def get_chat_member_count(api: BotApi, call: Call) -> int:
    chat = api.telegram.chat(call.text("chat_id"))
    return len(chat.members) + (chat.bot_status in {"member", "administrator"})


@method("leaveChat")
async def leave_chat(api: BotApi, call: Call) -> bool:
    chat = api.telegram.writable_chat(call.text("chat_id"))
    if chat.user is not None:
        raise bad_request("chat member status can't be changed in private chats")
    chat.bot_status = "left"
    api.telegram.tell(Event("profile", chat.id, details={"bot_status": "left"}))
    return True


@method("getFile")
async def get_file(api: BotApi, call: Call) -> Json:
    if not call.text("file_id"):
        raise bad_request("file_id not specified")
    return api.telegram.files.issue_path(call.text("file_id"), api.telegram.clock.time())
