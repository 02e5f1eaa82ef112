"""What lies in a gallery version, and how it is read: people, and their portraits in one archive.

``index.faiss``        one vector a person, in the order of ``people.json``
``people.json``        who they are
``portraits.zip``      their portraits, stored uncompressed under names made of their content
``calibration.json``   from cosines to per cent
``pictures.safetensors``  what the builder needs to add to the gallery; not read when serving

The portraits are one file because a manifest with a hash for each of 20,000 would take longer to read than the gallery.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from registry.manifest import Strict

INDEX: Final = "index.faiss"
PEOPLE: Final = "people.json"
PORTRAITS: Final = "portraits.zip"
CALIBRATION: Final = "calibration.json"
PICTURES: Final = "pictures.safetensors"

_MOST_BYTES: Final = 2 * 2**20


def _web_address(link: str) -> str:
    parts = urlsplit(link)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{link!r} is not a web address")
    return link


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Link = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_web_address)]
PictureName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}\.jpg$")]


class Person(Strict):
    """Somebody of a gallery. ``licence`` and ``attribution`` are those of the portrait ``picture``.

    ``pictures`` is how many pictures their vector was made of.
    """

    name: Line
    alias: Line | None = None
    role: Line | None = None
    links: tuple[Link, ...] = ()
    licence: Line | None = None
    attribution: Line | None = None
    picture: PictureName
    pictures: Annotated[int, Field(ge=1)] = 1


class People(Strict):
    """The whole of ``people.json``."""

    format: Literal[1] = 1
    people: tuple[Person, ...]


def read_people(path: Path) -> tuple[Person, ...]:
    """Everybody of a gallery, in the order of its index. Raises ``ValueError`` when the file cannot be used."""
    try:
        return People.model_validate_json(path.read_bytes()).people
    except ValidationError as error:
        raise ValueError(f"{path.name} does not list people: {error}") from error


class Portraits:
    """The portraits of a gallery, JPEG by name. Several threads may read at once."""

    def __init__(self, path: Path) -> None:
        """Raises ``ValueError`` when ``path`` is no archive of portraits."""
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ValueError(f"{path.name} is not a whole zip archive") from error
        entries = self._archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size > _MOST_BYTES for entry in entries):
            self._archive.close()
            raise ValueError(f"{path.name} holds something else than portraits")
        self._names = frozenset(entry.filename for entry in entries)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """The JPEG called ``name``. Raises ``KeyError`` when there is none and ``ValueError`` when it is damaged."""
        try:
            return self._archive.read(name)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise ValueError(f"the portrait {name} is damaged") from error

    def close(self) -> None:
        self._archive.close()


def write_people(path: Path, people: Sequence[Person]) -> None:
    """Write ``people.json``."""
    path.write_text(People(people=tuple(people)).model_dump_json(exclude_defaults=True, indent=1), encoding="utf-8")


def write_portraits(path: Path, portraits: Iterator[tuple[str, bytes]]) -> None:
    """Write ``portraits.zip`` as they come; the same picture under the same name is kept once."""
    written: set[str] = set()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, jpeg in portraits:
            if name not in written:
                # A fixed date: the same portraits make the same archive, byte for byte.
                archive.writestr(zipfile.ZipInfo(name), jpeg)
                written.add(name)
