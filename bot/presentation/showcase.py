"""Pictures of ours, shown as an album; Telegram keeps them after the first time."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.delivery.messages import Address, Attachment, Outgoing, Rejected, Sender
from bot.delivery.tables import StoredFile
from bot.presentation.callbacks import short_code
from serve_app.rates import Buckets, Rate, Want

MAX_TITLES = 1000
"""Letters of an album's titles together: a caption holds 1,024."""


ONCE = Rate(1 / 3600, 1)
"""What is asked below an album may have to be asked again: the album, which may have arrived, is not sent again."""

LATELY = Rate(1 / 60, 1)
"""Who sends photo after photo needs no album above each of the questions: they can look at the first one's."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One picture (JPEG). ``name`` is what it is remembered under: it changes when the picture does."""

    name: str
    title: str
    file: str
    picture: bytes


class Showcase:
    """Shows albums."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], sender: Sender, buckets: Buckets) -> None:
        self._sessions = sessions
        self._sender = sender
        self._buckets = buckets

    async def show(self, address: Address, exhibits: Sequence[Exhibit], origin: str, *, asked_for: bool = True) -> None:
        """Up to ten pictures, with their titles numbered below them; once for an ``origin``, however often it is handled.

        What nobody ``asked_for`` is not shown twice within a minute in the same chat.
        """
        names = [exhibit.name for exhibit in exhibits]
        wants = [Want(f"shown:{origin}", ONCE)]
        if not asked_for:
            wants.append(Want(f"shown:{address.chat_id}:{short_code(' '.join(names))}", LATELY))
        if any(await self._buckets.take(wants)):
            return
        async with self._sessions() as session:
            stored = (await session.execute(select(StoredFile).where(StoredFile.name.in_(names)))).scalars()
            known = {file.name: file.file_id for file in stored}
        pictures = tuple(Attachment(exhibit.file, exhibit.picture, known.get(exhibit.name)) for exhibit in exhibits)
        room = MAX_TITLES // len(exhibits) - len("10  · ")
        titles = " · ".join(
            f"{number}\u00a0{_short(exhibit.title, room)}" for number, exhibit in enumerate(exhibits, start=1)
        )
        album = Outgoing(html.escape(titles), pictures)
        try:
            sent = await self._sender.send(address, album)
        except Rejected:
            if not known:
                raise
            # A bot with another token has none of the files that the one before it sent.
            known = {}
            anew = tuple(replace(picture, file_id=None) for picture in pictures)
            sent = await self._sender.send(address, replace(album, pictures=anew))
        if not known.keys() >= set(names):
            # Others may have been shown them for the first time at this moment, too: Telegram has them all the same.
            with contextlib.suppress(IntegrityError):
                async with self._sessions.begin() as session:
                    for name, file_id in zip(names, sent.file_ids, strict=True):
                        await session.merge(StoredFile(name=name, file_id=file_id))


def _short(title: str, room: int) -> str:
    return title if len(title) <= room else title[: room - 1].rstrip() + "…"
