"""The works of art people may put themselves into, as the bot shows them."""

from __future__ import annotations

import asyncio
import hashlib

from bot.presentation.callbacks import short_code
from bot.presentation.showcase import Exhibit
from deployments.errors import UnknownArtwork
from deployments.imaging import encode
from deployments.swap.artworks import Artwork
from serve_app.pipeline import Pipeline

PREVIEW_SIDE = 800


class Artworks:
    """The operator's gallery."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._exhibits: dict[str, Exhibit] = {}

    @property
    def all(self) -> tuple[Artwork, ...]:
        """Every work, in the gallery's order."""
        return self._pipeline.artworks

    def by_code(self, code: str) -> Artwork:
        """The work a button stands for. Raises ``UnknownArtwork`` when it is not there any more."""
        for artwork in self.all:
            if short_code(artwork.id) == code:
                return artwork
        raise UnknownArtwork("This work of art is not here any more.")

    def title(self, artwork_id: str) -> str:
        """A work's title and artist; its bare id where it is gone."""
        return next((f"{work.title}, {work.artist}" for work in self.all if work.id == artwork_id), artwork_id)

    async def exhibit(self, artwork: Artwork) -> Exhibit:
        """A work as an album shows it; made once."""
        if artwork.id not in self._exhibits:
            photo = await self._pipeline.artwork(artwork.id)
            picture = await asyncio.to_thread(lambda: encode(photo.pixels(PREVIEW_SIDE)))
            name = f"artwork/{artwork.id[:40]}/{hashlib.sha256(picture).hexdigest()}"
            self._exhibits[artwork.id] = Exhibit(name, artwork.title, f"{artwork.id}.jpg", picture)
        return self._exhibits[artwork.id]
