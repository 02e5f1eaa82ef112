"""Methods about the bot itself."""

from __future__ import annotations

import json
import re

from bot.playground.api.call import Call
from bot.playground.api.registry import BotApi, method
from bot.playground.telegram.errors import bad_request
from bot.playground.telegram.model import Event, Json

_MAX_COMMANDS = 100
_MAX_COMMAND_DESCRIPTION = 256
_COMMAND = re.compile(r"/?[a-z0-9_]{1,32}")


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


def shown_commands(api: BotApi, language: str) -> list[Json]:
    """The commands a person who speaks ``language`` finds in a private chat's menu."""
    for kind in ("all_private_chats", "default"):
        scope = json.dumps({"type": kind})
        for code in (language, ""):
            if commands := api.commands.get((scope, code)):
                return commands
    return []
