"""Albums in groups: what the caption of one photo says to the bot, it says for the whole album."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiogram.types import Message

from bot.intake.photos import Photos
from serve_app.duties import called_off

Handle = Callable[[], Awaitable[Any]]

REMEMBER_S = 60.0
"""The parts of an album come within about a second, or again some seconds later when one could not be handled."""

LOOK_S = 0.3
LOOKS = 10
"""How often, and how many times, it is looked whether another replica has got the part with the caption."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Album:
    spoken: bool = False
    held: list[Handle] = field(default_factory=list)
    lookout: asyncio.Task[None] | None = None


class SpokenAlbums:
    """Tells albums that speak to the bot from others. Their parts are updates of their own, and one has the caption.

    Parts that come before it are held back in memory, and forgotten when it does not come. That the caption went
    through another replica is known from the bundle which it opened there. A context manager: looking out ends with it.
    """

    def __init__(self, photos: Photos) -> None:
        self._photos = photos
        self._albums: dict[tuple[int, str], _Album] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        lookouts = [album.lookout for album in self._albums.values() if album.lookout is not None]
        for lookout in lookouts:
            lookout.cancel()
        await asyncio.gather(*lookouts, return_exceptions=True)

    async def spoken(self, message: Message, handle: Handle) -> Any:
        """Handle a part that speaks to the bot, and with it those held back; should one fail, all come again with it."""
        return (await self._release(self._album(message), handle))[0]

    async def silent(self, message: Message, handle: Handle) -> Any:
        """Handle a part that does not speak to the bot when its album does; else hold it back."""
        album = self._album(message)
        if album.spoken or await self._gathered_elsewhere(message) or album.spoken:
            return await handle()
        album.held.append(handle)
        if album.lookout is None or album.lookout.done():
            album.lookout = asyncio.create_task(self._look_out(album, message))
        return None

    async def _look_out(self, album: _Album, message: Message) -> None:
        """Handle what is held back when another replica turns out to have the part that speaks."""
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_S)
            if not album.held:
                return
            try:
                if await self._gathered_elsewhere(message):
                    await self._release(album)
            except Exception as error:
                if called_off():
                    raise asyncio.CancelledError from error
                log.warning("parts of an album could not be handled yet", exc_info=True)

    @staticmethod
    async def _release(album: _Album, *speaking: Handle) -> list[Any]:
        parts = [*speaking, *album.held]
        album.spoken, album.held = True, []
        outcomes = await asyncio.gather(*(part() for part in parts), return_exceptions=True)
        for error in outcomes:
            if isinstance(error, BaseException):
                album.held += parts[len(speaking) :]
                raise error
        return outcomes

    async def _gathered_elsewhere(self, message: Message) -> bool:
        return await self._photos.gathers(message.chat.id, message.media_group_id or "")

    def _album(self, message: Message) -> _Album:
        key = message.chat.id, message.media_group_id or ""
        if key not in self._albums:
            self._albums[key] = _Album()
            asyncio.get_running_loop().call_later(REMEMBER_S, self._albums.pop, key, None)
        return self._albums[key]
