"""What every handler is given: who did something, in which words they are answered, and where."""

from __future__ import annotations

from dataclasses import dataclass

from aiogram.types import InlineKeyboardMarkup

from bot.accounts.accounts import Account
from bot.conversation.wishes import Wish
from bot.delivery.messages import Address, Outgoing
from bot.intake.orders import Piece, Request
from bot.presentation.translations import Words
from bot.services import Services


@dataclass(frozen=True, slots=True)
class Visit:
    """One thing that a person did: an update of theirs, or an album that has come in.

    ``to`` is where it is answered: beside it, or in private where it stands in no chat. What is ordered is known by
    ``origin``: the same origin again is the same order again.
    """

    services: Services
    account: Account
    words: Words
    to: Address
    origin: str

    async def say(self, text: str, keyboard: InlineKeyboardMarkup | None = None) -> None:
        """Answer with a text (HTML)."""
        await self.answer(Outgoing(text, keyboard=keyboard))

    async def answer(self, message: Outgoing) -> None:
        """Answer. Raises ``NotSent``."""
        await self.services.sender.send(self.to, message)

    async def order(self, wish: Wish, bundle_id: int) -> None:
        """Order ``wish`` for every photo of a bundle. Raises what ``Photos.bundle`` and ``Counter.place`` do."""
        _, kept = await self.services.photos.bundle(bundle_id, self.account.id)
        pieces = [Piece(str(photo.update_id), {"image": photo.key}, reply_to=photo.message_id) for photo in kept]
        request = Request(self.origin, self.account, wish.kind, wish.fields, pieces, self.to, bundle_id=bundle_id)
        await self.services.counter.place(request)
