"""From Wikidata and Wikimedia Commons to a folder of pictures with a catalogue beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from training.files import write_whole
from training.gallery.commons import Commons, CommonsPicture
from training.gallery.polite import NotThere, Polite, Unreachable
from training.gallery.progress import Progress
from training.gallery.wikidata import KnownPerson, Wish, find_people

CATALOGUE: Final = "catalogue.json"
# More pictures of one person change the mean of their vectors little and cost as much again.
_MOST_PICTURES: Final = 4


@dataclass(frozen=True, slots=True)
class Imported:
    """What came: the catalogue, how many people are in it, and how many had no picture that could be had."""

    catalogue: Path
    people: int
    skipped: int


async def import_people(
    wish: Wish, folder: Path, polite: Polite, sparql: str, commons: Commons, progress: Progress
) -> Imported:
    """Fill ``folder`` with pictures and ``catalogue.json``, which is whole after every page of people.

    Pictures that are there already are not fetched again. Raises :class:`Unreachable` when a service cannot be used;
    a single picture that is gone is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    names: set[str] = set()
    skipped = 0
    progress("Fetching people", 0, wish.limit)
    async for people in find_people(wish, polite, sparql):
        titles = [title for person in people for title in person.pictures[:_MOST_PICTURES]]
        pictures = await commons.describe(titles)
        for person in people:
            chosen = [pictures[title] for title in person.pictures[:_MOST_PICTURES] if title in pictures]
            photos = await _fetched(person, chosen, folder, commons)
            if photos:
                entries.append(_entry(person, photos, names))
            else:
                skipped += 1
            progress("Fetching people", len(entries) + skipped, wish.limit)
        catalogue = json.dumps({"people": entries}, ensure_ascii=False, indent=1)
        write_whole(folder / CATALOGUE, catalogue.encode())
    if not entries:
        raise Unreachable("nobody was found who fits and has a picture; try fewer sitelinks or another occupation")
    return Imported(folder / CATALOGUE, len(entries), skipped)


async def _fetched(
    person: KnownPerson, pictures: Sequence[CommonsPicture], folder: Path, commons: Commons
) -> list[dict[str, str]]:
    photos = []
    for picture in pictures:
        # Named by the item and the hash: nothing of what strangers typed becomes part of a path.
        path = Path("photos", person.item, f"{picture.sha1}.{picture.suffix}")
        target = folder / path
        if not target.exists():
            try:
                data = await commons.fetch(picture)
            except NotThere:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, data)
        photos.append({"path": path.as_posix(), "licence": picture.licence, "attribution": picture.attribution})
    return photos


def _entry(person: KnownPerson, photos: list[dict[str, str]], names: set[str]) -> dict[str, Any]:
    name = person.name
    if name in names:
        # A gallery tells people apart by name, and there is more than one Chris Evans.
        name = f"{name} ({person.item})"
    names.add(name)
    entry: dict[str, Any] = {"name": name, "links": list(person.links), "photos": photos}
    if person.description:
        entry["role"] = person.description
    return entry
