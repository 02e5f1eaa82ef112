"""Questions that are answered by replying to them: what a question is about stands in an invisible link within it.

So no conversation state is kept anywhere, and a question can be answered after any restart, by any replica. A person
cannot forge one: only links in the bot's own messages count.
"""

from __future__ import annotations

import re

from aiogram.filters import Filter
from aiogram.types import Message, User

LINK = re.compile(r"https://t\.me/\w+\?ticket=name-([0-9]{1,18})")

# A zero-width character, so that there is something for the link to hang on.
ANCHOR = "\u200b"


def ticket(me: User, bundle_id: int) -> str:
    """The link (HTML) to put into the question for the name of a bundle's face."""
    return f'<a href="https://t.me/{me.username}?ticket=name-{bundle_id}">{ANCHOR}</a>'


class NamesFace(Filter):
    """A text that answers the question for a face's name; gives the handler its ``bundle_id``."""

    async def __call__(self, message: Message, me: User) -> bool | dict[str, int]:
        asked = message.reply_to_message
        if asked is None or asked.from_user is None or asked.from_user.id != me.id or not message.text:
            return False
        if message.text.startswith("/"):
            # Who thinks better of it sends a command: Telegram makes that, too, a reply.
            return False
        for entity in asked.entities or []:
            found = LINK.fullmatch(entity.url or "")
            if found is not None:
                return {"bundle_id": int(found[1])}
        return False
