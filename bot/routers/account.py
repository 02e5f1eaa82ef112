"""What is kept, the rules, and taking everything away again."""

from __future__ import annotations

from typing import Literal

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import keyboards
from bot.accounts.accounts import Account
from bot.accounts.cashier import Renewal
from bot.accounts.erasure import Removal
from bot.callbacks import DeleteAccount, Open
from bot.delivery.messages import Address, Outgoing
from bot.replies import address, beside
from bot.services import Services
from bot.translations import Words

HOUR_S = 3600
DAY_S = 86_400


async def say_privacy(message: Message, services: Services, account: Account, words: Words) -> None:
    await _privacy(address(message), services, account, words)


async def open_privacy(query: CallbackQuery, services: Services, account: Account, words: Words) -> None:
    await _privacy(beside(query), services, account, words)


async def _privacy(to: Address, services: Services, account: Account, words: Words) -> None:
    """What is kept and for how long, in the operator's actual numbers."""
    settings = services.settings
    text = words.html(
        "privacy",
        hours=round(settings.keep_s / HOUR_S, 1),
        days=round(settings.history_keep_s / DAY_S),
        history="on" if account.keep_history else "off",
    )
    await services.sender.send(to, Outgoing(text, keyboard=keyboards.pages(words, "settings", "delete")))


async def terms(message: Message, services: Services, account: Account, words: Words) -> None:
    """The rules of the house."""
    text = words.html("terms", money=await _money(services, account))
    await services.sender.send(address(message), Outgoing(text))


async def say_delete(message: Message, services: Services, account: Account, words: Words) -> None:
    await _ask_deletion(address(message), services, account, words)


async def open_delete(query: CallbackQuery, services: Services, account: Account, words: Words) -> None:
    await _ask_deletion(beside(query), services, account, words)


async def _ask_deletion(to: Address, services: Services, account: Account, words: Words) -> None:
    text = words.html("delete-ask", money=await _money(services, account))
    await services.sender.send(to, Outgoing(text, keyboard=keyboards.confirm_deletion(words, account.id)))


async def _money(services: Services, account: Account) -> Literal["yes", "no"]:
    """Whether there is anything to say of money: something is for sale, or this person paid for something before."""
    if services.settings.tariff.sells("free"):
        return "yes"
    async with services.sessions() as session:
        return "yes" if await services.payments.of(session, account.id) else "no"


async def delete(
    query: CallbackQuery, callback_data: DeleteAccount, services: Services, account: Account, words: Words
) -> None:
    """Remove everything, and say what that was. Somebody else was asked this: not worth a message."""
    if callback_data.user != account.id:
        return
    removal = await services.erasure.delete(account.id)
    if removal is None:
        return
    for chat_id, message_id in removal.statuses:
        await services.sender.remove(chat_id, message_id)
    gone = Outgoing(told(words, removal))
    if isinstance(query.message, Message):
        # In the place of the question, whose button has nothing left to delete.
        await services.sender.edit(query.message.chat.id, query.message.message_id, gone)
    else:
        await services.sender.send(beside(query), gone)


def told(words: Words, removal: Removal) -> str:
    """What went and what stays (HTML)."""
    lines = [
        words.html("deleted", photos=removal.photos, jobs=removal.jobs, faces=removal.identities),
        *([words.html("deleted-credits", credits=removal.credits)] if removal.credits else []),
        *([words.html("deleted-subscription")] if removal.subscription is Renewal.ENDED else []),
        *([words.html("renewal-refused")] if removal.subscription is Renewal.REFUSED else []),
        *([words.html("deleted-payments", payments=removal.kept_payments)] if removal.kept_payments else []),
        *([words.html("deleted-debt", debt=removal.kept_debt)] if removal.kept_debt else []),
    ]
    return "\n".join(lines)


def router() -> Router:
    router = Router(name="account")
    router.message.register(say_privacy, Command("privacy", ignore_case=True))
    router.message.register(terms, Command("terms", ignore_case=True))
    router.message.register(say_delete, Command("delete", ignore_case=True))
    router.callback_query.register(open_privacy, Open.filter(F.page == "privacy"))
    router.callback_query.register(open_delete, Open.filter(F.page == "delete"))
    router.callback_query.register(delete, DeleteAccount.filter())
    return router
