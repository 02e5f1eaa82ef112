"""The operator's commands. To anybody else they do not exist."""

from __future__ import annotations

import html
from datetime import UTC, datetime

from aiogram import F, Router
from aiogram.filters import Command, CommandObject, Filter
from aiogram.types import Message

from bot.accounts.cashier import NotRefundable
from bot.conversation.visit import Visit
from bot.reporting.stats import report
from bot.reporting.summary import summary
from bot.services import Services


class Operator(Filter):
    """Sent by one of ``MASQUERADE_BOT_ADMINS``, in private."""

    async def __call__(self, message: Message, services: Services) -> bool:
        admins = services.settings.admins
        return message.chat.type == "private" and message.from_user is not None and message.from_user.id in admins


async def ban(_message: Message, command: CommandObject, visit: Visit) -> None:
    """``/ban 123`` and ``/unban 123``."""
    argument = (command.args or "").strip()
    if not argument.isascii() or not argument.isdigit():
        await _say(visit, f"/{command.command} <user id>")
        return
    banned = command.command == "ban"
    async with visit.services.sessions.begin() as session:
        known = await visit.services.accounts.ban(session, int(argument), banned=banned)
    await _say(visit, ("banned" if banned else "let in") if known else "nobody is known by this id")


async def refund(_message: Message, command: CommandObject, visit: Visit) -> None:
    """``/refund <charge id>``."""
    charge = (command.args or "").strip()
    if not charge:
        await _say(visit, "/refund <charge id>")
        return
    try:
        done = await visit.services.cashier.refund(charge)
    except NotRefundable as error:
        await _say(visit, error.message)
        return
    told = f"{done.stars} Stars went back; {done.owed} credits had been spent already"
    await _say(visit, told + ("; the subscription will not be renewed" if done.ended else ""))


async def broadcast(message: Message, visit: Visit) -> None:
    """``/broadcast``, in reply to the message everybody shall get."""
    shown = message.reply_to_message
    if shown is None:
        await _say(visit, "/broadcast, in reply to the message to send")
        return
    people = await visit.services.broadcaster.order(visit.origin, message.chat.id, shown.message_id)
    await _say(visit, f"sending to {people}; you will hear how it went")


async def stats(_message: Message, visit: Visit) -> None:
    """The last four weeks."""
    async with visit.services.sessions() as session:
        counted = await report(session, datetime.now(UTC).date())
    await visit.say(f"<pre>{html.escape(summary(counted)[:3900])}</pre>")


async def _say(visit: Visit, text: str) -> None:
    await visit.say(html.escape(text))


def router() -> Router:
    router = Router(name="admin")
    router.message.filter(Operator())
    router.message.register(ban, F.text, Command("ban", "unban"))
    router.message.register(refund, F.text, Command("refund"))
    router.message.register(broadcast, F.text, Command("broadcast"))
    router.message.register(stats, F.text, Command("stats"))
    return router
