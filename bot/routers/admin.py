"""The operator's commands. To anybody else they do not exist."""

from __future__ import annotations

import html
from datetime import UTC, datetime

from aiogram import Router
from aiogram.filters import Command, CommandObject, Filter
from aiogram.types import Message

from bot.accounts.cashier import NotRefundable
from bot.delivery.messages import Address, Outgoing
from bot.reporting.stats import report
from bot.reporting.summary import summary
from bot.services import Services


class Operator(Filter):
    """Sent by one of ``MASQUERADE_BOT_ADMINS``, in private."""

    async def __call__(self, message: Message, services: Services) -> bool:
        admins = services.settings.admins
        return message.chat.type == "private" and message.from_user is not None and message.from_user.id in admins


async def ban(_message: Message, command: CommandObject, to: Address, services: Services) -> None:
    """``/ban 123`` and ``/unban 123``."""
    argument = (command.args or "").strip()
    if not argument.isascii() or not argument.isdigit():
        await _say(to, services, f"/{command.command} <user id>")
        return
    banned = command.command == "ban"
    async with services.sessions.begin() as session:
        known = await services.accounts.ban(session, int(argument), banned=banned)
    await _say(to, services, ("banned" if banned else "let in") if known else "nobody is known by this id")


async def refund(_message: Message, command: CommandObject, to: Address, services: Services) -> None:
    """``/refund <charge id>``."""
    charge = (command.args or "").strip()
    if not charge:
        await _say(to, services, "/refund <charge id>")
        return
    try:
        done = await services.cashier.refund(charge)
    except NotRefundable as error:
        await _say(to, services, error.message)
        return
    await _say(to, services, f"{done.stars} Stars went back; {done.owed} credits had been spent already")


async def broadcast(message: Message, origin: str, to: Address, services: Services) -> None:
    """``/broadcast``, in reply to the message everybody shall get."""
    shown = message.reply_to_message
    if shown is None:
        await _say(to, services, "/broadcast, in reply to the message to send")
        return
    people = await services.broadcaster.order(origin, message.chat.id, shown.message_id)
    await _say(to, services, f"sending to {people}; you will hear how it went")


async def stats(_message: Message, to: Address, services: Services) -> None:
    """The last four weeks."""
    async with services.sessions() as session:
        counted = await report(session, datetime.now(UTC).date())
    await services.sender.send(to, Outgoing(f"<pre>{html.escape(summary(counted)[:3900])}</pre>"))


async def _say(to: Address, services: Services, text: str) -> None:
    await services.sender.send(to, Outgoing(html.escape(text)))


def router() -> Router:
    router = Router(name="admin")
    router.message.filter(Operator())
    router.message.register(ban, Command("ban", "unban"))
    router.message.register(refund, Command("refund"))
    router.message.register(broadcast, Command("broadcast"))
    router.message.register(stats, Command("stats"))
    return router
