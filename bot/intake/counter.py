"""Asking people what to do with their photos, and placing their orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bot.accounts.accounts import Account
from bot.delivery.messages import Address, Outgoing, Sender
from bot.delivery.progress import Progress, activity
from bot.intake.orders import Intake, Piece, Request
from bot.intake.photos import Photos
from bot.intake.tables import Bundle
from bot.presentation import keyboards
from bot.presentation.catalogue import Catalogue, exhibit
from bot.presentation.showcase import Showcase
from bot.presentation.translations import Words
from deployments.anonymize.types import Method
from serve_app.jobs.worker import Worker

MOST_PREVIEWS = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """A job kind with its fields, for every photo of a bundle."""

    kind: Literal["style", "anonymize", "lookalike", "authenticity"]
    fields: dict[str, Any]


def painting(styles: Sequence[str], strength: float) -> Wish:
    """Paint in these styles (names, or ``name:weight`` to blend)."""
    return Wish("style", {"style": list(styles), "strength": strength, "preserve_color": False})


def hiding(method: Method) -> Wish:
    """Hide every face this way."""
    return Wish("anonymize", {"method": method.value, "keep": []})


def resemblance(words: Words) -> Wish:
    """Tell whom faces resemble, with the small print in these words' language."""
    return Wish("lookalike", {"language": words.language})


REALITY = Wish("authenticity", {})


class Counter:
    """Asks what to do with photos, and takes orders."""

    def __init__(
        self,
        catalogue: Catalogue,
        showcase: Showcase,
        photos: Photos,
        intake: Intake,
        sender: Sender,
        progress: Progress,
        workers: Sequence[Worker],
    ) -> None:
        self._catalogue = catalogue
        self._showcase = showcase
        self._photos = photos
        self._intake = intake
        self._sender = sender
        self._progress = progress
        self._workers = workers

    async def ask(self, words: Words, origin: str, bundle: Bundle, page: int = 0) -> None:
        """Show the styles, once for an ``origin``, and ask.

        Groups see the buttons only: an album would use up half a minute's messages.
        """
        styles = await self._catalogue.styles()
        address = address_of(bundle)
        first = page * keyboards.STYLES_PER_PAGE
        shown = styles[first : first + MOST_PREVIEWS]
        if bundle.chat_id > 0 and len(shown) > 1:
            album = [exhibit(style, words) for style in shown]
            await self._showcase.show(replace(address, reply_to=None), album, origin)
        keyboard = keyboards.wishes(words, bundle.id, self._catalogue.features, styles, page)
        question = words.html("ask-wish" if shown else "ask-wish-without-styles")
        await self._sender.send(address, Outgoing(question, keyboard=keyboard))

    async def ask_method(self, words: Words, bundle_id: int, address: Address) -> None:
        """Ask how the faces are to be hidden."""
        question = Outgoing(words.html("ask-method"), keyboard=keyboards.methods(words, bundle_id))
        await self._sender.send(address, question)

    async def order(self, account: Account, origin: str, wish: Wish, bundle_id: int, address: Address) -> None:
        """Order ``wish`` for every photo of a bundle. Raises what :meth:`Intake.order` and :meth:`Photos.bundle` do."""
        bundle, kept = await self._photos.bundle(bundle_id, account.id)
        pieces = [Piece(str(photo.update_id), {"image": photo.key}, reply_to=photo.message_id) for photo in kept]
        await self.place(Request(origin, account, wish.kind, wish.fields, pieces, address, bundle_id=bundle.id))

    async def place(self, request: Request) -> None:
        """Make a request durable, wake the workers and show where in the queue it is."""
        accepted = await self._intake.order(request)
        for worker in self._workers:
            worker.notice()
        if accepted.new:
            as_file = request.account.as_file
            await self._sender.act(request.address, activity(request.kind, as_file=as_file))
            self._progress.announce([job.id for job in accepted.jobs], replace(request.address, reply_to=None))


def address_of(bundle: Bundle) -> Address:
    """Where a bundle's answers go: its chat, in reply to its first photo."""
    return Address(bundle.chat_id, bundle.thread_id, bundle.message_id)
