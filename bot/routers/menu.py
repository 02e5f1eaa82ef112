"""Greeting, help, language and settings."""

from __future__ import annotations

from typing import get_args

from aiogram import F, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, TelegramObject, User

from bot.accounts.accounts import Account
from bot.conversation.replies import in_groups, rewrite
from bot.delivery.messages import Address, Outgoing
from bot.presentation import keyboards
from bot.presentation.callbacks import Open, SetLanguage, SetStrength, Toggle
from bot.presentation.catalogue import Feature
from bot.presentation.translations import Words
from bot.services import Services


async def start(message: Message, to: Address, services: Services, words: Words, me: User) -> None:
    """Greet; in a group, whose members may just have taken the bot in, also say what is heard there."""
    name = message.from_user.first_name if message.from_user is not None else ""
    lines = [words.html("start", name=name), *([] if message.chat.type == "private" else ["", in_groups(words, me)])]
    await services.sender.send(to, Outgoing("\n".join(lines), keyboard=_home(services, words)))


async def show_help(_event: TelegramObject, to: Address, services: Services, words: Words, me: User) -> None:
    """What can be done here: only what the studio has models for."""
    artworks = "yes" if services.artworks.all else "no"
    features = [
        words.html(f"help-{name}", artworks=artworks)
        for name in get_args(Feature)
        if name in services.catalogue.features
    ]
    megabytes = services.max_upload // 2**20
    lines = [
        words.html("help-intro"), *features, "",
        words.html("help-rules", megabytes=megabytes), in_groups(words, me),
    ]  # fmt: skip
    await services.sender.send(to, Outgoing("\n".join(lines), keyboard=_home(services, words)))


def _home(services: Services, words: Words) -> InlineKeyboardMarkup:
    shop = services.settings.tariff.sells("free")
    return keyboards.home(words, swap="swap" in services.catalogue.features, shop=shop)


async def languages(_event: TelegramObject, to: Address, services: Services, words: Words) -> None:
    """Ask which language to speak."""
    keyboard = keyboards.languages(services.translations)
    await services.sender.send(to, Outgoing(words.html("ask-language"), keyboard=keyboard))


async def set_language(query: CallbackQuery, callback_data: SetLanguage, services: Services, account: Account) -> None:
    """Speak another language from now on, beginning here."""
    code = services.translations.best(callback_data.code)
    async with services.sessions.begin() as session:
        await services.accounts.save(session, account.id, language=code)
    words = services.translations.words(code)
    done = Outgoing(words.html("language-set"))
    await rewrite(query, services.sender, done)


async def settings(_event: TelegramObject, to: Address, services: Services, account: Account, words: Words) -> None:
    """The settings, each a button."""
    await services.sender.send(to, _settings(words, account))


async def toggle(
    query: CallbackQuery, callback_data: Toggle, services: Services, account: Account, words: Words
) -> None:
    """Turn a setting on or off."""
    async with services.sessions.begin() as session:
        if callback_data.switch == "as_file":
            account = await services.accounts.save(session, account.id, as_file=callback_data.on)
        else:
            account = await services.accounts.save(session, account.id, keep_history=callback_data.on)
    if not account.keep_history:
        await services.photos.shorten(account.id)
    await rewrite(query, services.sender, _settings(words, account))


async def set_strength(
    query: CallbackQuery, callback_data: SetStrength, services: Services, account: Account, words: Words
) -> None:
    """Begin with another strength."""
    chosen = callback_data.percent / 100
    async with services.sessions.begin() as session:
        account = await services.accounts.save(session, account.id, strength=chosen)
    await rewrite(query, services.sender, _settings(words, account))


def _settings(words: Words, account: Account) -> Outgoing:
    return Outgoing(words.html("settings"), keyboard=keyboards.settings(words, account))


def router() -> Router:
    router = Router(name="menu")
    router.message.register(start, CommandStart(ignore_case=True))
    router.message.register(start, F.new_chat_members | F.group_chat_created)
    router.message.register(show_help, Command("help", ignore_case=True))
    router.message.register(languages, Command("language", ignore_case=True))
    router.message.register(settings, Command("settings", ignore_case=True))
    router.callback_query.register(show_help, Open.filter(F.page == "help"))
    router.callback_query.register(languages, Open.filter(F.page == "language"))
    router.callback_query.register(settings, Open.filter(F.page == "settings"))
    router.callback_query.register(set_language, SetLanguage.filter())
    router.callback_query.register(toggle, Toggle.filter())
    router.callback_query.register(set_strength, SetStrength.filter())
    return router
