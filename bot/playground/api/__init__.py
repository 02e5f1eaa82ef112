"""The methods of the Bot API, by what they are for. Importing this package registers them all."""

from __future__ import annotations

from bot.playground.api import answering, billing, editing, profile, receiving, sending
from bot.playground.api.registry import METHODS, BotApi

__all__ = ["METHODS", "BotApi", "answering", "billing", "editing", "profile", "receiving", "sending"]
