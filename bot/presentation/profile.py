"""What Telegram shows of the bot before anybody wrote to it: its commands, in every language."""

from __future__ import annotations

import logging

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats

from bot.presentation.translations import Translations

log = logging.getLogger(__name__)

COMMANDS = ("help", "plans", "settings", "language", "privacy", "delete")
"""Each is described in the words of the button that does the same."""


async def introduce(bot: Bot, translations: Translations, *, shop: bool) -> None:
    """Set the commands of the menu. That this fails keeps nobody from using the bot."""
    buttons = {name: "quota" if name == "plans" and not shop else name for name in COMMANDS}
    try:
        for code, words in translations.languages.items():
            commands = [
                BotCommand(command=name, description=words.plain(f"button-{button}"))
                for name, button in buttons.items()
            ]
            language = None if code == translations.default else code
            await bot.set_my_commands(commands, scope=BotCommandScopeAllPrivateChats(), language_code=language)
    except TelegramAPIError as error:
        log.warning("the menu could not be set: %s", error)
