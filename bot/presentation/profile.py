"""What Telegram shows of the bot before anybody wrote to it: its commands, in every language."""

from __future__ import annotations

import logging

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BotCommand, BotCommandScopeAllPrivateChats

from bot.presentation.translations import Translations

log = logging.getLogger(__name__)

COMMANDS = {
    "help": "help", "plans": "plans", "settings": "settings", "language": "language", "privacy": "privacy",
    "delete": "delete",
}  # fmt: skip
"""Commands by the button that does the same, and whose words they are described with."""


async def introduce(bot: Bot, translations: Translations, *, shop: bool) -> None:
    """Set the commands of the menu. That this fails keeps nobody from using the bot."""
    buttons = COMMANDS if shop else COMMANDS | {"plans": "quota"}
    try:
        for code, words in translations.languages.items():
            commands = [
                BotCommand(command=name, description=words.plain(f"button-{page}")) for name, page in buttons.items()
            ]
            language = None if code == translations.default else code
            await bot.set_my_commands(commands, scope=BotCommandScopeAllPrivateChats(), language_code=language)
    except TelegramAPIError as error:
        log.warning("the menu could not be set: %s", error)
