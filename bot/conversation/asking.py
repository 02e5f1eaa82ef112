"""Asking people what to do with their photos."""

from __future__ import annotations

from dataclasses import replace

from bot.conversation.replies import bundle_address
from bot.conversation.visit import Visit
from bot.delivery.messages import Outgoing
from bot.intake.tables import Bundle
from bot.presentation import keyboards
from bot.presentation.catalogue import exhibit


async def ask_wish(visit: Visit, bundle: Bundle, page: int = 0, *, asked_for: bool = True) -> None:
    """Show a page of the styles, once for a visit's origin, and ask below the photos what to do with them.

    Groups see the buttons only: an album would use up half a minute's messages. So does, unless it is ``asked_for``, a
    chat that was shown the styles a moment ago.
    """
    services, words = visit.services, visit.words
    styles = await services.catalogue.styles()
    address = bundle_address(bundle)
    shown = keyboards.page_of(styles, page)
    if bundle.chat_id > 0 and len(shown) > 1:
        album = [exhibit(style, words) for style in shown]
        await services.showcase.show(replace(address, reply_to=None), album, visit.origin, asked_for=asked_for)
    keyboard = keyboards.wishes(words, bundle.id, services.catalogue.features, styles, page)
    question = words.html("ask-wish" if shown else "ask-wish-without-styles")
    await services.sender.send(address, Outgoing(question, keyboard=keyboard))


async def ask_method(visit: Visit, bundle_id: int) -> None:
    """Ask how the faces are to be hidden."""
    await visit.say(visit.words.html("ask-method"), keyboards.methods(visit.words, bundle_id))
