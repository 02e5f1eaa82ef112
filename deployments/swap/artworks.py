"""Paintings and sculptures people may put themselves into: a folder with pictures and one ``artworks.yaml``.

.. code-block:: yaml

    - id: girl-with-a-pearl-earring
      file: vermeer-pearl.jpg
      title: Girl with a Pearl Earring
      artist: Johannes Vermeer
      year: "c. 1665"
      licence: CC0-1.0
      source: https://example.org/collection/670
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import yaml
from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError

from deployments.errors import MasqueradeError
from deployments.imaging import Photo
from registry.manifest import Strict

MANIFEST: Final = "artworks.yaml"


class GalleryError(ValueError):
    """A gallery of artworks cannot be used; the message names the file and what to change."""


def _plain_name(name: str) -> str:
    if PurePosixPath(name).name != name or "\\" in name or name in (".", "..", MANIFEST):
        raise ValueError(f"{name!r} is not the name of a picture beside {MANIFEST}")
    return name


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Artwork(Strict):
    """One work of art. ``licence`` is an SPDX identifier where one exists; ``year`` is text, for "c. 1665"."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")]
    file: Annotated[str, AfterValidator(_plain_name)]
    title: _Text
    artist: _Text
    year: _Text
    licence: _Text
    source: _Text | None = None


class ArtworkGallery:
    """The artworks of one folder, in the order of their manifest."""

    def __init__(self, folder: Path, artworks: tuple[Artwork, ...]) -> None:
        self._folder = folder
        self.artworks = artworks
        self._by_id = {artwork.id: artwork for artwork in artworks}

    @classmethod
    def load(cls, folder: Path) -> ArtworkGallery:
        """Read and check a folder: the manifest's form, unique ids, and that every picture opens.

        Raises :class:`GalleryError`.
        """
        path = folder / MANIFEST
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            artworks = TypeAdapter(tuple[Artwork, ...]).validate_python(document)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise GalleryError(f"{path}: {error}") from error
        if len({artwork.id for artwork in artworks}) < len(artworks):
            raise GalleryError(f"{path}: two artworks share an id")
        gallery = cls(folder, artworks)
        for artwork in artworks:
            gallery.photo(artwork.id)
        return gallery

    def photo(self, artwork_id: str) -> Photo:
        """The picture of an artwork. Raises ``KeyError`` for an unknown id, :class:`GalleryError` for a broken file."""
        path = self._folder / self._by_id[artwork_id].file
        try:
            return Photo.open(path.read_bytes())
        except (OSError, MasqueradeError) as error:
            raise GalleryError(f"{path}: {error}") from error
