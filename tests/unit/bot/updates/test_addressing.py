"""Which commands in a group are the bot's."""

from __future__ import annotations

from aiogram.filters import Command

from bot.conversation.replies import COMMANDS
from bot.routers import admin
from bot.updates.dispatcher import ROUTERS


def test_every_command_that_anybody_may_give_is_heard_in_groups_without_the_bots_name() -> None:
    given = {
        str(name)
        for module in ROUTERS
        if module is not admin
        for handler in module.router().message.handlers
        for rule in handler.filters or ()
        if isinstance(rule.callback, Command)
        for name in rule.callback.commands
    }
    assert given == COMMANDS
