"""What is kept, the rules, and taking everything away again."""

from __future__ import annotations

import math
from typing import Literal

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, TelegramObject

from bot.accounts.cashier import Renewal
from bot.conversation.replies import rewrite
from bot.conversation.visit import Visit
from bot.delivery.messages import Outgoing
from bot.presentation import keyboards
from bot.presentation.callbacks import DeleteAccount, Open
from bot.presentation.translations import Words
from bot.retention.erasure import Removal

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400


async def privacy(_event: TelegramObject, visit: Visit) -> None:
    """What is kept and for how long, in the operator's actual numbers."""
    words, settings = visit.words, visit.services.settings
    kept, longer = lasts(words, settings.keep_s), lasts(words, settings.history_keep_s)
    yours = longer if visit.account.keep_history else kept
    text = words.html("privacy", kept=kept, longer=longer, yours=yours, money=await _money(visit))
    await visit.say(text, keyboards.pages(words, "settings", "delete"))


def lasts(words: Words, time_s: float) -> str:
    """A span of time (plain text) in the largest unit that it is a whole number of; seconds are rounded up to minutes."""
    for key, unit_s in {"lasts-days": DAY_S, "lasts-hours": HOUR_S}.items():
        if time_s % unit_s == 0:
            return words.plain(key, count=round(time_s / unit_s))
    return words.plain("lasts-minutes", count=math.ceil(time_s / MINUTE_S))


async def terms(_event: TelegramObject, visit: Visit) -> None:
    """The rules of the house."""
    await visit.say(visit.words.html("terms", money=await _money(visit)))


async def ask_deletion(_event: TelegramObject, visit: Visit) -> None:
    """Ask once more before everything goes."""
    text = visit.words.html("delete-ask", money=await _money(visit))
    await visit.say(text, keyboards.confirm_deletion(visit.words, visit.account.id))


async def _money(visit: Visit) -> Literal["yes", "no"]:
    """Whether there is anything to say of money: something is for sale, or this person paid for something before."""
    services = visit.services
    if services.settings.tariff.sells("free"):
        return "yes"
    async with services.sessions() as session:
        return "yes" if await services.payments.of(session, visit.account.id) else "no"


async def delete(query: CallbackQuery, callback_data: DeleteAccount, visit: Visit) -> None:
    """Remove everything, and say what that was. Somebody else was asked this: not worth a message."""
    if callback_data.user != visit.account.id:
        return
    sender = visit.services.sender
    removal = await visit.services.erasure.delete(visit.account.id)
    if removal is None:
        return
    for chat_id, message_id in removal.statuses:
        await sender.remove(chat_id, message_id)
    gone = Outgoing(told(visit.words, removal))
    # In the place of the question, whose button has nothing left to delete.
    await rewrite(query, visit, gone)


def told(words: Words, removal: Removal) -> str:
    """What went and what stays (HTML)."""
    lines = [
        words.html("deleted", photos=removal.photos, jobs=removal.jobs, faces=removal.identities),
        *([words.html("deleted-credits", credits=removal.credits)] if removal.credits else []),
        *([words.html("deleted-subscription")] if removal.subscription is Renewal.ENDED else []),
        *([words.html("renewal-refused")] if removal.subscription is Renewal.REFUSED else []),
        words.html("deleted-counts"),
        *([words.html("deleted-payments", payments=removal.kept_payments)] if removal.kept_payments else []),
        *([words.html("deleted-debt", debt=removal.kept_debt)] if removal.kept_debt else []),
    ]
    return "\n".join(lines)


def router() -> Router:
    router = Router(name="account")
    router.message.register(privacy, F.text, Command("privacy", ignore_case=True))
    router.message.register(terms, F.text, Command("terms", ignore_case=True))
    router.message.register(ask_deletion, F.text, Command("delete", ignore_case=True))
    router.callback_query.register(privacy, Open.filter(F.page == "privacy"))
    router.callback_query.register(ask_deletion, Open.filter(F.page == "delete"))
    router.callback_query.register(delete, DeleteAccount.filter())
    return router
