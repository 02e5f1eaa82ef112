"""Who is to be in a gallery: a folder with one sub-folder of pictures a person, or a catalogue in JSON or CSV."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from deployments.lookalike.files import Line, Link
from registry.manifest import Strict


class BadSource(ValueError):
    """The folder or catalogue cannot be used as it is; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file with its terms, where they are known. ``label`` is what reports call it: its path in the source."""

    path: Path
    label: str
    licence: str | None = None
    attribution: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who will be in the gallery if any of ``pictures`` can be used."""

    name: str
    pictures: tuple[Picture, ...]
    alias: str | None = None
    role: str | None = None
    links: tuple[str, ...] = ()


class CataloguePicture(Strict):
    """``path`` is relative to the catalogue's folder, or absolute."""

    path: str
    licence: Line | None = None
    attribution: Line | None = None


def _as_mapping(picture: Any) -> Any:
    return {"path": picture} if isinstance(picture, str) else picture


def _none_if_blank(text: Any) -> Any:
    return None if isinstance(text, str) and not text.strip() else text


_Optional = Annotated[Line | None, BeforeValidator(_none_if_blank)]


class CataloguePerson(Strict):
    """An entry of a JSON catalogue. A picture is a path, or an object with ``path``, ``licence`` and ``attribution``."""

    name: Line
    alias: _Optional = None
    role: _Optional = None
    links: tuple[Link, ...] = ()
    photos: tuple[Annotated[CataloguePicture, BeforeValidator(_as_mapping)], ...]


class Catalogue(Strict):
    """A JSON catalogue: ``{"people": [...]}``."""

    people: tuple[CataloguePerson, ...]


def read_source(path: Path) -> tuple[Candidate, ...]:
    """Everybody in a folder, or in a ``.json`` or ``.csv`` catalogue, by name.

    Raises :class:`BadSource` when there is nobody, a name stands there twice, or a catalogue is not well formed.
    """
    if path.is_dir():
        candidates = list(_in_folder(path))
        advice = "it takes one sub-folder of pictures for each person"
    elif path.suffix.casefold() == ".json":
        candidates = list(_in_json(path))
        advice = "its list of people is empty"
    elif path.suffix.casefold() == ".csv":
        candidates = list(_in_csv(path))
        advice = "it has no line under its head"
    else:
        raise BadSource(f"{path} is neither a folder nor a .json or .csv catalogue")
    if not candidates:
        raise BadSource(f"{path} has no people: {advice}")
    seen: set[str] = set()
    for candidate in candidates:
        if candidate.name in seen:
            raise BadSource(f"{path} has {candidate.name} twice; put their pictures together")
        seen.add(candidate.name)
    return tuple(sorted(candidates, key=lambda candidate: candidate.name))


def _in_folder(folder: Path) -> Iterator[Candidate]:
    for person in sorted(folder.iterdir()):
        if person.is_dir() and not person.name.startswith("."):
            files = sorted(file for file in person.iterdir() if file.is_file() and not file.name.startswith("."))
            name = re.sub(r"[\s_]+", " ", _readable(person)).strip()
            if name:
                yield Candidate(name, tuple(Picture(file, f"{_readable(person)}/{_readable(file)}") for file in files))


def _readable(path: Path) -> str:
    """A file's or folder's name, with a sign for what is no UTF-8: archives of old systems hold such names."""
    return os.fsencode(path.name).decode(errors="replace")


def _in_json(path: Path) -> Iterator[Candidate]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadSource(f"{path} cannot be read as JSON: {error}") from error
    try:
        people = Catalogue.model_validate(document).people
    except ValidationError as error:
        raise BadSource(f"{path} is not a catalogue: {_first(error)}") from error
    for person in people:
        yield _candidate(person, path.parent)


def _in_csv(path: Path) -> Iterator[Candidate]:
    """Columns ``name`` and ``photos``, and as wished ``alias``, ``role``, ``links``, ``licence``, ``attribution``.

    Several photos or links in one field are parted by ``;``; licence and attribution hold for all photos of the line.
    """
    needed, more = {"name", "photos"}, {"alias", "role", "links", "licence", "attribution"}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.DictReader(stream, strict=True)
            head = set(lines.fieldnames or ())
            if not needed <= head or not head <= needed | more:
                raise BadSource(
                    f"{path} has the columns {', '.join(lines.fieldnames or ()) or '(none)'}; it needs name and photos and may "
                    f"have {', '.join(sorted(more))}, parted by commas"
                )
            for line in lines:
                yield _candidate(_from_line(line, f"{path}, line {lines.line_num}"), path.parent)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadSource(f"{path} cannot be read as CSV: {error}") from error


def _from_line(line: dict[str, Any], place: str) -> CataloguePerson:
    terms = {key: _none_if_blank(line.get(key)) for key in ("licence", "attribution")}
    try:
        return CataloguePerson(
            name=line["name"] or "",
            alias=line.get("alias"),
            role=line.get("role"),
            links=_parts(line.get("links")),
            photos=tuple(CataloguePicture(path=photo, **terms) for photo in _parts(line["photos"])),
        )
    except ValidationError as error:
        raise BadSource(f"{place}: {_first(error)}") from error


def _parts(field: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (field or "").split(";") if part.strip())


def _candidate(person: CataloguePerson, folder: Path) -> Candidate:
    return Candidate(
        name=person.name,
        alias=person.alias,
        role=person.role,
        links=person.links,
        pictures=tuple(_pictures(person.photos, folder)),
    )


def _pictures(photos: Iterable[CataloguePicture], folder: Path) -> Iterator[Picture]:
    for photo in photos:
        yield Picture(folder / photo.path, photo.path, photo.licence, photo.attribution)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])
