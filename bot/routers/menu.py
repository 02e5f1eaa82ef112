"""Greeting, help, language and settings."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, User

from bot.accounts.accounts import Account
from bot.conversation.replies import address, beside, in_groups
from bot.delivery.messages import Address, Outgoing
from bot.presentation import keyboards
from bot.presentation.callbacks import Open, SetLanguage, SetStrength, Toggle
from bot.presentation.translations import Words
from bot.services import Services


async def start(message: Message, services: Services, words: Words, me: User) -> None:
    """Greet; in a group, whose members may just have taken the bot in, also say what is heard there."""
    name = message.from_user.first_name if message.from_user is not None else ""
    lines = [words.html("start", name=name), *([] if message.chat.type == "private" else ["", in_groups(words, me)])]
    await services.sender.send(address(message), Outgoing("\n".join(lines), keyboard=_home(services, words)))


async def say_help(message: Message, services: Services, words: Words, me: User) -> None:
    await _help(address(message), services, words, me)


async def open_help(query: CallbackQuery, services: Services, words: Words, me: User) -> None:
    await _help(beside(query), services, words, me)


async def _help(to: Address, services: Services, words: Words, me: User) -> None:
    """What can be done here: only what the studio has models for."""
    artworks = "yes" if services.artworks.all else "no"
    features = [words.html(f"help-{name}", artworks=artworks) for name in HELP if name in services.catalogue.features]
    megabytes = services.max_upload // 2**20
    lines = [
        words.html("help-intro"), *features, "",
        words.html("help-rules", megabytes=megabytes), in_groups(words, me),
    ]  # fmt: skip
    await services.sender.send(to, Outgoing("\n".join(lines), keyboard=_home(services, words)))


def _home(services: Services, words: Words) -> InlineKeyboardMarkup:
    shop = services.settings.tariff.sells("free")
    return keyboards.home(words, swap="swap" in services.catalogue.features, shop=shop)


HELP = ("style", "lookalike", "anonymize", "swap", "authenticity")


async def say_language(message: Message, services: Services, words: Words) -> None:
    await _languages(address(message), services, words)


async def open_language(query: CallbackQuery, services: Services, words: Words) -> None:
    await _languages(beside(query), services, words)


async def _languages(to: Address, services: Services, words: Words) -> None:
    keyboard = keyboards.languages(services.translations)
    await services.sender.send(to, Outgoing(words.html("ask-language"), keyboard=keyboard))


async def set_language(query: CallbackQuery, callback_data: SetLanguage, services: Services, account: Account) -> None:
    """Speak another language from now on, beginning here."""
    code = services.translations.best(callback_data.code)
    async with services.sessions.begin() as session:
        await services.accounts.save(session, account.id, language=code)
    words = services.translations.words(code)
    done = Outgoing(words.html("language-set"))
    if isinstance(query.message, Message):
        await services.sender.edit(query.message.chat.id, query.message.message_id, done)


async def say_settings(message: Message, services: Services, account: Account, words: Words) -> None:
    await services.sender.send(address(message), _settings(words, account))


async def open_settings(query: CallbackQuery, services: Services, account: Account, words: Words) -> None:
    await services.sender.send(beside(query), _settings(words, account))


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
    await _show(query, services, account, words)


async def set_strength(
    query: CallbackQuery, callback_data: SetStrength, services: Services, account: Account, words: Words
) -> None:
    """Begin with another strength."""
    chosen = callback_data.percent / 100
    async with services.sessions.begin() as session:
        account = await services.accounts.save(session, account.id, strength=chosen)
    await _show(query, services, account, words)


async def _show(query: CallbackQuery, services: Services, account: Account, words: Words) -> None:
    if isinstance(query.message, Message):
        await services.sender.edit(query.message.chat.id, query.message.message_id, _settings(words, account))


def _settings(words: Words, account: Account) -> Outgoing:
    return Outgoing(words.html("settings"), keyboard=keyboards.settings(words, account))


def router() -> Router:
    router = Router(name="menu")
    router.message.register(start, CommandStart(ignore_case=True))
    router.message.register(start, F.new_chat_members | F.group_chat_created)
    router.message.register(say_help, Command("help", ignore_case=True))
    router.message.register(say_language, Command("language", ignore_case=True))
    router.message.register(say_settings, Command("settings", ignore_case=True))
    router.callback_query.register(open_help, Open.filter(F.page == "help"))
    router.callback_query.register(open_language, Open.filter(F.page == "language"))
    router.callback_query.register(open_settings, Open.filter(F.page == "settings"))
    router.callback_query.register(set_language, SetLanguage.filter())
    router.callback_query.register(toggle, Toggle.filter())
    router.callback_query.register(set_strength, SetStrength.filter())
    return router
