"""Greeting, help, language and settings."""

from __future__ import annotations

from typing import get_args

from aiogram import F, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, TelegramObject, User

from bot.accounts.accounts import Account
from bot.accounts.identities import readable
from bot.conversation.replies import in_groups, rewrite
from bot.conversation.visit import Visit
from bot.delivery.messages import Outgoing
from bot.presentation import keyboards
from bot.presentation.callbacks import Open, SetLanguage, SetStrength, Toggle
from bot.presentation.catalogue import Feature
from bot.presentation.translations import Words


async def start(message: Message, visit: Visit, me: User) -> None:
    """Greet; in a group, whose members may just have taken the bot in, also say what is heard there."""
    # Telegram lets people have names in which there is nothing to read.
    name = readable(message.from_user.first_name) if message.from_user is not None else ""
    lines = [visit.words.html("start", name=name or "nobody")]
    if message.chat.type != "private":
        lines += ["", in_groups(visit.words, me)]
    await visit.say("\n".join(lines), _home(visit))


async def show_help(_event: TelegramObject, visit: Visit, me: User) -> None:
    """What can be done here: only what the studio has models for."""
    services, words = visit.services, visit.words
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
    await visit.say("\n".join(lines), _home(visit))


def _home(visit: Visit) -> InlineKeyboardMarkup:
    services = visit.services
    shop = services.settings.tariff.sells("free")
    return keyboards.home(visit.words, swap="swap" in services.catalogue.features, shop=shop)


async def languages(_event: TelegramObject, visit: Visit) -> None:
    """Ask which language to speak."""
    await visit.say(
        visit.words.html("ask-language"), keyboards.languages(visit.services.translations, visit.account.id)
    )


async def set_language(query: CallbackQuery, callback_data: SetLanguage, visit: Visit) -> None:
    """Speak another language from now on, beginning here. Somebody else was asked this: not worth a message."""
    if callback_data.user != visit.account.id:
        return
    services = visit.services
    code = services.translations.best(callback_data.code)
    async with services.sessions.begin() as session:
        await services.accounts.save(session, visit.account.id, language=code)
    await rewrite(query, visit, Outgoing(services.translations.words(code).html("language-set")))


async def settings(_event: TelegramObject, visit: Visit) -> None:
    """The settings, each a button."""
    await visit.answer(_settings(visit.words, visit.account))


async def toggle(query: CallbackQuery, callback_data: Toggle, visit: Visit) -> None:
    """Turn a setting on or off. Other people's settings are not theirs to change."""
    if callback_data.user != visit.account.id:
        return
    services = visit.services
    async with services.sessions.begin() as session:
        if callback_data.switch == "as_file":
            account = await services.accounts.save(session, visit.account.id, as_file=callback_data.on)
        else:
            account = await services.accounts.save(session, visit.account.id, keep_history=callback_data.on)
    if not account.keep_history:
        await services.photos.shorten(account.id)
    await rewrite(query, visit, _settings(visit.words, account))


async def set_strength(query: CallbackQuery, callback_data: SetStrength, visit: Visit) -> None:
    """Begin with another strength. Other people's settings are not theirs to change."""
    if callback_data.user != visit.account.id:
        return
    services = visit.services
    async with services.sessions.begin() as session:
        account = await services.accounts.save(session, visit.account.id, strength=callback_data.percent / 100)
    await rewrite(query, visit, _settings(visit.words, account))


def _settings(words: Words, account: Account) -> Outgoing:
    return Outgoing(words.html("settings"), keyboard=keyboards.settings(words, account))


def router() -> Router:
    router = Router(name="menu")
    # A photo is a photo, whatever its caption begins with.
    router.message.register(start, F.text, CommandStart(ignore_case=True))
    router.message.register(start, F.new_chat_members | F.group_chat_created)
    router.message.register(show_help, F.text, Command("help", ignore_case=True))
    router.message.register(languages, F.text, Command("language", ignore_case=True))
    router.message.register(settings, F.text, Command("settings", ignore_case=True))
    router.callback_query.register(show_help, Open.filter(F.page == "help"))
    router.callback_query.register(languages, Open.filter(F.page == "language"))
    router.callback_query.register(settings, Open.filter(F.page == "settings"))
    router.callback_query.register(set_language, SetLanguage.filter())
    router.callback_query.register(toggle, Toggle.filter())
    router.callback_query.register(set_strength, SetStrength.filter())
    return router
