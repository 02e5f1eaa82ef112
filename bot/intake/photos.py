"""People's photos, kept until they say what to do with them: single ones, and albums whose parts come one by one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import Account, Keeping, holds
from bot.delivery.tables import Delivery
from bot.intake.tables import Bundle, Upload
from deployments.errors import Expired, MasqueradeError
from deployments.imaging import Photo
from serve_app.duties import beside
from serve_app.objects import ObjectStore, new_key

OpenPhoto = Callable[[bytes], Awaitable[Photo]]

GATHER_S = 1.5
"""An album is whole when no part of it has come for so long; its parts arrive within about a second."""

JUST_NOW_S = 600.0
"""For so long after a photo was asked about, a text that answers nothing speaks of it."""

COMING_S = 15.0
"""For so long a text waits for the photo that was sent before it."""

MAX_CAPTION = 1024


class Overtaken(MasqueradeError):
    """Its sender had everything of theirs deleted while this photo was on its way."""

    slug, title, status = "overtaken", "The account was deleted meanwhile", 410


@dataclass(frozen=True, slots=True)
class Incoming:
    """A photo as it came: which update brought it, and where. ``album`` is Telegram's ``media_group_id``."""

    update_id: int
    chat_id: int
    message_id: int
    data: bytes
    thread_id: int | None = None
    album: str | None = None
    caption: str = ""


class Photos:
    """Keeps photos in bundles: what was sent together is asked about, and ordered, together."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        objects: ObjectStore,
        open_photo: OpenPhoto,
        *,
        keeping: Keeping,
        prompt_lease_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``open_photo`` is :meth:`serve_app.pipeline.Pipeline.open`.

        Photos are kept from when they were last used. An album that was handed out and not closed is handed out again
        after ``prompt_lease_s``.
        """
        self._sessions = sessions
        self._objects = objects
        self._open = open_photo
        self._keeping = keeping
        self._prompt_lease_s = prompt_lease_s
        # When an album is due is not changed while it is closed for being due then.
        self._closing = asyncio.Lock()
        self._coming: dict[int, dict[int, asyncio.Future[bool]]] = {}
        self._clock = clock

    @contextlib.contextmanager
    def coming(self, chat_id: int, update_id: int) -> Iterator[asyncio.Future[bool]]:
        """In this block a photo is taken in, whose result says if it was: what is said after it waits for that."""
        taken = asyncio.get_running_loop().create_future()
        self._coming.setdefault(chat_id, {})[update_id] = taken
        try:
            yield taken
        finally:
            if not taken.done():
                taken.set_result(False)
            del self._coming[chat_id][update_id]
            if not self._coming[chat_id]:
                del self._coming[chat_id]

    async def settled(self, chat_id: int, before: int) -> None:
        """Return when photos that came to this chat in updates earlier than ``before`` are taken in.

        Raises ``TimeoutError`` where that takes long, or has to be tried again.
        """
        earlier = [taken for update_id, taken in self._coming.get(chat_id, {}).items() if update_id < before]
        async with asyncio.timeout(COMING_S):
            # Who gives up waiting for it calls nothing off.
            if not all(await asyncio.gather(*map(asyncio.shield, earlier))):
                raise TimeoutError("a photo that was sent before has to come again")

    async def keep(self, account: Account, incoming: Incoming) -> Bundle:
        """Check a photo and store it, without its metadata, under its update; a repeated update changes nothing.

        A single photo's bundle is whole at once (``due`` is None). An album's is not: :meth:`whole` hands it out when
        its parts have come. Raises what :meth:`Photo.open` raises, and :class:`Overtaken`; then nothing is kept.
        """
        async with self._sessions() as session:
            if (known := await self._known(session, incoming.update_id)) is not None:
                return known
        photo = await self._open(incoming.data)
        key = new_key("in")
        await asyncio.to_thread(self._objects.put, key, photo.data)
        try:
            async with self._sessions.begin() as session:
                if not await holds(session, account.id):
                    raise Overtaken("The account was deleted while this photo was on its way.")
                bundle = await self._bundle(session, account, incoming)
                session.add(
                    Upload(
                        update_id=incoming.update_id,
                        bundle_id=bundle.id,
                        message_id=incoming.message_id,
                        key=key,
                        width=photo.width,
                        height=photo.height,
                    )
                )
        except IntegrityError:
            # The same update, or another part that opened the same album, was written first.
            await asyncio.to_thread(self._objects.delete, [key])
            return await self.keep(account, incoming)
        except BaseException:
            await asyncio.to_thread(self._objects.delete, [key])
            raise
        return bundle

    async def whole(self) -> Bundle | None:
        """Take the next album whose parts have all come; None when there is none. Handed to one caller at a time.

        Whoever took it asks its owner what to do, or orders what its caption says, and calls :meth:`prompted`; without
        that, it is handed out again a while later.
        """
        now = self._clock()
        ready = (
            select(Bundle)
            .where(Bundle.due <= now, Bundle.prompted.is_(None), Bundle.expires > now)
            .order_by(Bundle.due)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        async with self._sessions.begin() as session:
            bundle = (await session.execute(ready)).scalar_one_or_none()
            if bundle is not None:
                bundle.due = now + self._prompt_lease_s
        return bundle

    @contextlib.asynccontextmanager
    async def in_hand(self, bundle: Bundle) -> AsyncIterator[None]:
        """Until the block ends, an album that :meth:`whole` handed out is not handed out again for having taken long."""
        async with beside(self._renew(bundle)):
            yield

    async def _renew(self, bundle: Bundle) -> None:
        while True:
            await asyncio.sleep(self._prompt_lease_s / 3)
            due = self._clock() + self._prompt_lease_s
            mine = update(Bundle).where(Bundle.id == bundle.id, Bundle.due == bundle.due, Bundle.prompted.is_(None))
            async with self._closing:
                async with self._sessions.begin() as session:
                    renewed = (await session.execute(mine.values(due=due).returning(Bundle.id))).first()
                if renewed is None:
                    # Another part has joined: it is to be attended to once more.
                    return
                bundle.due = due

    async def prompted(self, bundle: Bundle) -> None:
        """The owner of these photos was asked. Parts that come later are a bundle of their own, with the same caption.

        Nothing is closed when a part has joined since ``bundle`` was taken: :meth:`whole` then hands it out again.
        """
        async with self._closing, self._sessions.begin() as session:
            as_taken = Bundle.due.is_not_distinct_from(bundle.due)
            asked = update(Bundle).where(Bundle.id == bundle.id, Bundle.prompted.is_(None), as_taken)
            await session.execute(asked.values(prompted=self._clock()))

    async def bundle(self, bundle_id: int, user_id: int) -> tuple[Bundle, Sequence[Upload]]:
        """A person's photos, in the order they were sent. Raises :class:`Expired`, also for other people's."""
        async with self._sessions() as session:
            bundle = await session.get(Bundle, bundle_id)
            if bundle is None or bundle.user_id != user_id or bundle.expires <= self._clock():
                raise Expired("This photo is no longer here; please send it again.")
            parts = select(Upload).where(Upload.bundle_id == bundle_id).order_by(Upload.message_id, Upload.update_id)
            return bundle, (await session.execute(parts)).scalars().all()

    async def latest(self, user_id: int, chat_id: int) -> Bundle | None:
        """What somebody sent to this chat last, if that was only just."""
        now = self._clock()
        theirs = select(Bundle).where(Bundle.user_id == user_id, Bundle.chat_id == chat_id, Bundle.expires > now)
        async with self._sessions() as session:
            last = (await session.execute(theirs.order_by(Bundle.id.desc()).limit(1))).scalar_one_or_none()
        just_now = last is not None and (last.prompted is None or last.prompted > now - JUST_NOW_S)
        return last if just_now else None

    async def speak(self, bundle: Bundle, asked: str) -> bool:
        """Let what was asked be the caption of an album that is still gathered and has none; False for any other."""
        silent = (Bundle.id == bundle.id, Bundle.due.is_not(None), Bundle.prompted.is_(None), Bundle.caption == "")
        async with self._closing, self._sessions.begin() as session:
            given = update(Bundle).where(*silent).values(caption=asked[:MAX_CAPTION]).returning(Bundle.id)
            return (await session.execute(given)).first() is not None

    async def gathers(self, chat_id: int, album: str) -> bool:
        """Whether a photo of this album is kept already, through whichever replica it came."""
        async with self._sessions() as session:
            return (await session.execute(select(Bundle.id).where(_of(chat_id, album)).limit(1))).first() is not None

    async def shorten(self, user_id: int) -> None:
        """Somebody keeps no history any more: what there is of theirs goes when other people's would."""
        soon = self._clock() + self._keeping.usual_s
        async with self._sessions.begin() as session:
            for table in (Bundle, Delivery):
                theirs = update(table).where(table.user_id == user_id, table.expires > soon)
                await session.execute(theirs.values(expires=soon))

    async def _known(self, session: AsyncSession, update_id: int) -> Bundle | None:
        upload = await session.get(Upload, update_id)
        return None if upload is None else await session.get_one(Bundle, upload.bundle_id)

    async def _bundle(self, session: AsyncSession, account: Account, incoming: Incoming) -> Bundle:
        """The bundle this photo belongs to, opened if it is the first; raises ``IntegrityError`` when two are first."""
        now = self._clock()
        expires = now + self._keeping.of(account)
        caption = incoming.caption[:MAX_CAPTION]
        key = f"update:{incoming.update_id}"
        if incoming.album is not None:
            # Were another part's bundle opened just now, unseen, both would have the same key.
            earlier = (
                await session.execute(
                    select(Bundle).where(_of(incoming.chat_id, incoming.album)).order_by(Bundle.id).with_for_update()
                )
            ).scalars()
            siblings = list(earlier)
            spoken = next((bundle.caption for bundle in siblings if bundle.caption), "")
            if caption and not spoken:
                await self._reopen(session, siblings, caption)
            # The caption came with one of the parts and speaks of all, also of those that took longer.
            caption = caption or spoken
            bundle = next((bundle for bundle in siblings if bundle.prompted is None), None)
            if bundle is not None:
                bundle.due, bundle.expires = now + GATHER_S, expires
                bundle.message_id = min(bundle.message_id, incoming.message_id)
                bundle.caption = bundle.caption or caption
                return bundle
            key = f"album:{incoming.chat_id}:{incoming.album}:{len(siblings)}"
        bundle = Bundle(
            key=key,
            user_id=account.id,
            chat_id=incoming.chat_id,
            thread_id=incoming.thread_id,
            message_id=incoming.message_id,
            caption=caption,
            due=None if incoming.album is None else now + GATHER_S,
            prompted=None,
            expires=expires,
        )
        session.add(bundle)
        await session.flush()
        return bundle

    async def _reopen(self, session: AsyncSession, siblings: Sequence[Bundle], caption: str) -> None:
        """What was asked about before the album's caption came, unless it was answered, needs no answer now."""
        ids = [bundle.id for bundle in siblings]
        answered = set((await session.execute(select(Delivery.bundle_id).where(Delivery.bundle_id.in_(ids)))).scalars())
        for bundle in siblings:
            if bundle.id not in answered:
                bundle.caption, bundle.prompted, bundle.due = caption, None, self._clock() + GATHER_S


def _of(chat_id: int, album: str) -> ColumnElement[bool]:
    """The bundles that hold parts of an album."""
    return Bundle.key.startswith(f"album:{chat_id}:{album}:", autoescape=True)
