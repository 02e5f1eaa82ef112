"""Methods about the bot itself."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

from bot.playground.api.registry import BotApi, Handler, method
from bot.playground.call import Call
from bot.playground.errors import bad_request
from bot.playground.model import Event, Json

_MAX_COMMANDS = 100
_MAX_COMMAND_DESCRIPTION = 256
_COMMAND = re.compile(r"/?[a-z0-9_]{1,32}")
# What BotFather shows of a bot: the word in the methods' names, the field of the object, its greatest length.
_TEXTS = (("Name", "name", 64), ("Description", "description", 512), ("ShortDescription", "short_description", 120))


@method("getMe")
async def get_me(api: BotApi, _call: Call) -> Json:
    bot = api.telegram.bot
    return bot.json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not bot.privacy_mode,
        "supports_inline_queries": bot.inline,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def _scope(call: Call) -> tuple[str, str]:
    scope = call.json("scope", "BotCommandScope") or {"type": "default"}
    if not isinstance(scope, dict) or "type" not in scope:
        raise bad_request("Can't parse BotCommandScope: Object expected as bot command scope")
    return json.dumps(scope, sort_keys=True), call.text("language_code")


@method("setMyCommands")
async def set_my_commands(api: BotApi, call: Call) -> bool:
    commands = call.json("commands", "commands")
    if not isinstance(commands, list):
        raise bad_request("Expected an Array of BotCommand")
    if len(commands) > _MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    checked = []
    for command in commands:
        if not isinstance(command, dict):
            raise bad_request("Can't parse BotCommand: expected an Object")
        name, description = str(command.get("command", "")), str(command.get("description", "")).strip()
        if not _COMMAND.fullmatch(name):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(description) <= _MAX_COMMAND_DESCRIPTION:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        checked.append({"command": name.removeprefix("/"), "description": description})
    api.commands[_scope(call)] = checked
    api.telegram.tell(Event("profile"))
    return True


@method("getMyCommands")
async def get_my_commands(api: BotApi, call: Call) -> list[Json]:
    return api.commands.get(_scope(call), [])


@method("deleteMyCommands")
async def delete_my_commands(api: BotApi, call: Call) -> bool:
    api.commands.pop(_scope(call), None)
    api.telegram.tell(Event("profile"))
    return True


def shown_commands(api: BotApi, language: str) -> list[Json]:
    """The commands a person who speaks ``language`` finds in a private chat's menu."""
    for kind in ("all_private_chats", "default"):
        scope = json.dumps({"type": kind})
        for code in (language, ""):
            if commands := api.commands.get((scope, code)):
                return commands
    return []


def _setter(field: str, longest: int) -> Callable[[BotApi, Call], Awaitable[bool]]:
    async def set_text(api: BotApi, call: Call) -> bool:
        value = call.text(field)
        if len(value) > longest:
            raise bad_request(f"BOT_{field.upper()}_TOO_LONG")
        api.texts[field, call.text("language_code")] = value
        return True

    return set_text


def _getter(field: str) -> Handler:
    async def get_text(api: BotApi, call: Call) -> Json:
        unset = api.telegram.bot.name if field == "name" else ""
        fallback = api.texts.get((field, ""), unset)
        return {field: api.texts.get((field, call.text("language_code")), fallback)}

    return get_text


for _word, _field, _longest in _TEXTS:
    method(f"setMy{_word}")(_setter(_field, _longest))
    method(f"getMy{_word}")(_getter(_field))


@method("setChatMenuButton")
async def set_chat_menu_button(_api: BotApi, _call: Call) -> bool:
    return True


@method("getChatMenuButton")
async def get_chat_menu_button(_api: BotApi, _call: Call) -> Json:
    return {"type": "commands"}
