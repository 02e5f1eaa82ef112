"""The people of a gallery while it is put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from deployments.lookalike.files import Person
from training.gallery.collection import Collection
from training.gallery.sources import Candidate


@dataclass(frozen=True, slots=True)
class Draft:
    """Somebody on the way into a gallery. ``known`` is their entry in the gallery that is added to, if they have one."""

    name: str
    alias: str | None = None
    role: str | None = None
    links: tuple[str, ...] = ()
    known: Person | None = None

    @classmethod
    def of(cls, person: Person) -> Self:
        return cls(person.name, person.alias, person.role, person.links, person)


def join(known: Iterable[Person], candidates: Iterable[Candidate]) -> list[Draft]:
    """The people known and after them the new ones.

    Names tell people apart. What a candidate says anew of somebody known counts; what it leaves open stays.
    """
    drafts = {person.name: Draft.of(person) for person in known}
    for candidate in candidates:
        draft = drafts.get(candidate.name, Draft(candidate.name))
        drafts[candidate.name] = replace(
            draft,
            alias=candidate.alias or draft.alias,
            role=candidate.role or draft.role,
            links=candidate.links or draft.links,
        )
    return list(drafts.values())


def with_pictures(drafts: Sequence[Draft], pictures: Collection) -> tuple[list[Draft], Collection, list[str]]:
    """Those who have a picture, the pictures with their owners' new places, and the names of the others."""
    pictured = np.unique(pictures.owners)
    places = np.full(len(drafts), -1, dtype=np.int32)
    places[pictured] = np.arange(len(pictured), dtype=np.int32)
    without = [draft.name for draft, place in zip(drafts, places, strict=True) if place < 0]
    return [drafts[place] for place in pictured], replace(pictures, owners=places[pictures.owners]), without
