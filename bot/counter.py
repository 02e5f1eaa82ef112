"""Where photos are asked about and orders are placed, and the person hears at once that it goes on."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot import keyboards
from bot.accounts.accounts import Account
from bot.accounts.tariff import Tariff
from bot.answers import Answers, refusal
from bot.catalogue import Catalogue, preview_name
from bot.delivery.archive import Archive
from bot.delivery.messages import Address, Attachment, NotSent, Outgoing, Sender
from bot.delivery.progress import Progress
from bot.delivery.tables import Bundle, Delivery
from bot.intake import Accepted, AlbumTooLarge, Intake, Piece, Request
from bot.photos import Photos
from bot.translations import Words
from deployments.errors import MasqueradeError
from deployments.style.engine import StyleInfo
from serve_app.jobs.worker import Worker

MOST_PREVIEWS = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """A job kind with its fields, for every photo of a bundle."""

    kind: Literal["style", "anonymize", "lookalike"]
    fields: dict[str, Any]


def painting(styles: Sequence[str], strength: float) -> Wish:
    """Paint in these styles (names, or ``name:weight`` to blend)."""
    return Wish("style", {"style": list(styles), "strength": strength, "preserve_color": False})


LOOKALIKE = Wish("lookalike", {})


class Counter:
    """Asks what to do with photos, and takes orders."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        catalogue: Catalogue,
        archive: Archive,
        photos: Photos,
        intake: Intake,
        sender: Sender,
        answers: Answers,
        progress: Progress,
        workers: Sequence[Worker],
        tariff: Tariff,
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._archive = archive
        self._photos = photos
        self._intake = intake
        self._sender = sender
        self._answers = answers
        self._progress = progress
        self._workers = workers
        self._tariff = tariff

    async def receive(self, account: Account, words: Words, bundle: Bundle) -> None:
        """A bundle is whole: do what its caption says, or ask what to do. Asked once, however often it is called."""
        if bundle.prompted is not None:
            return
        try:
            await self._serve(account, words, bundle)
        except MasqueradeError as error:
            await self._sender.send(address_of(bundle), refusal(words, error))
        await self._photos.prompted(bundle)

    async def _serve(self, account: Account, words: Words, bundle: Bundle) -> None:
        _, kept = await self._photos.bundle(bundle.id, account.id)
        most = self._tariff.album(account.plan)
        if len(kept) > most:
            raise AlbumTooLarge(f"At most {most} photos can be done at once.", most=most, given=len(kept))
        wish = await self._spoken(account, bundle.caption)
        if wish is None:
            await self.ask(words, bundle)
        else:
            await self.order(account, words, f"bundle:{bundle.id}", wish, bundle.id, address_of(bundle))

    async def ask(self, words: Words, bundle: Bundle, page: int = 0) -> None:
        """Show the styles, and ask. Groups see the buttons only: an album would use up half a minute's messages."""
        styles = await self._catalogue.styles()
        address = address_of(bundle)
        first = page * keyboards.STYLES_PER_PAGE
        shown = styles[first : first + MOST_PREVIEWS]
        if bundle.chat_id > 0 and len(shown) > 1:
            await self._show(replace(address, reply_to=None), shown)
        keyboard = keyboards.wishes(words, bundle.id, self._catalogue.features, styles, page)
        await self._sender.send(address, Outgoing(words.html("ask-wish"), keyboard=keyboard))

    async def order(
        self, account: Account, words: Words, origin: str, wish: Wish, bundle_id: int, address: Address
    ) -> Accepted:
        """Order ``wish`` for every photo of a bundle. Raises what :meth:`Intake.order` and :meth:`Photos.bundle` do."""
        bundle, kept = await self._photos.bundle(bundle_id, account.id)
        pieces = [Piece(str(photo.update_id), {"image": photo.key}, reply_to=photo.message_id) for photo in kept]
        return await self.place(
            words, Request(origin, account, wish.kind, wish.fields, pieces, address, bundle_id=bundle.id)
        )

    async def place(self, words: Words, request: Request) -> Accepted:
        """Make a request durable, wake the workers and show where in the queue it is."""
        accepted = await self._intake.order(request)
        for worker in self._workers:
            worker.notice()
        if accepted.new:
            await self._tell(request.address, accepted)
        return accepted

    async def _tell(self, address: Address, accepted: Accepted) -> None:
        """The order stands: that the status cannot be shown is no reason to fail."""
        ids = [job.id for job in accepted.jobs]
        async with self._sessions() as session:
            delivery = await session.get(Delivery, ids[0])
        if delivery is None:
            return
        try:
            await self._sender.act(address, "upload_document" if delivery.as_file else "upload_photo")
            status = await self._answers.status(delivery, accepted.position)
            sent = await self._sender.send(replace(address, reply_to=None), status)
        except NotSent:
            return
        await self._progress.show(ids, sent.message_ids[0], accepted.position)

    async def _spoken(self, account: Account, caption: str) -> Wish | None:
        """What a caption asks for: so far, a style by its name."""
        style = await self._catalogue.named_in(caption) if caption else None
        return None if style is None else painting([style.name], account.strength)

    async def _show(self, address: Address, styles: Sequence[StyleInfo]) -> None:
        """The styles' pictures as an album; Telegram keeps them after the first time."""
        async with self._sessions() as session:
            known = {style.name: await self._archive.known(session, preview_name(style)) for style in styles}
        pictures = tuple(Attachment(f"{style.name}.jpg", style.preview, known[style.name]) for style in styles)
        titles = " · ".join(f"{number} {style.title}" for number, style in enumerate(styles, start=1))
        sent = await self._sender.send(address, Outgoing(html.escape(titles), pictures))
        if None in known.values():
            async with self._sessions.begin() as session:
                for style, file_id in zip(styles, sent.file_ids, strict=True):
                    await self._archive.remember(session, preview_name(style), file_id)


def address_of(bundle: Bundle) -> Address:
    """Where a bundle's answers go: its chat, in reply to its first photo."""
    return Address(bundle.chat_id, bundle.thread_id, bundle.message_id)
