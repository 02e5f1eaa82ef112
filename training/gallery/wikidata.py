"""Well-known people out of Wikidata's query service."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from training.gallery.polite import Polite, Unreachable

_PAGE: Final = 200
_OF_AGE: Final = 18

# The inner query picks people, so that a page holds as many whatever the number of their pictures.
_QUERY: Final = """\
SELECT ?person ?personLabel ?personDescription ?image ?article WHERE {{
  {{
    SELECT DISTINCT ?person ?sitelinks WHERE {{
      VALUES ?occupation {{ {occupations} }}
      ?person wdt:P31 wd:Q5; wdt:P106 ?occupation; wdt:P18 []; wdt:P569 ?born; wikibase:sitelinks ?sitelinks.
      FILTER(?sitelinks >= {sitelinks} && ?born < "{adult}"^^xsd:dateTime)
    }}
    ORDER BY DESC(?sitelinks) ?person
    LIMIT {count} OFFSET {offset}
  }}
  ?person wdt:P18 ?image.
  OPTIONAL {{ ?article schema:about ?person; schema:isPartOf <https://{language}.wikipedia.org/>. }}
  SERVICE wikibase:label {{ bd:serviceParam wikibase:language "{language},en,mul". }}
}}
ORDER BY DESC(?sitelinks) ?person ?image
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is looked for: grown-up people of ``occupations`` (such as ``Q33999``) who have a picture.

    Best known first, by the number of Wikipedia articles about them, which is at least ``sitelinks``; at most ``limit``.
    Names and descriptions are in ``language``, in English where that is missing. Raises ``ValueError`` for an
    occupation or a language that is none.
    """

    occupations: tuple[str, ...]
    sitelinks: int = 30
    limit: int = 1000
    language: str = "en"

    def __post_init__(self) -> None:
        for occupation in self.occupations:
            if not re.fullmatch(r"Q[1-9][0-9]{0,11}", occupation):
                raise ValueError(f"{occupation!r} is not a Wikidata item; look it up there, an actor is Q33999")
        if not self.occupations:
            raise ValueError("name at least one occupation")
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]+)*", self.language):
            raise ValueError(f"{self.language!r} is not the code of a language")


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody with the titles of their pictures on Wikimedia Commons (without ``File:``)."""

    item: str
    name: str
    description: str | None
    article: str | None
    pictures: tuple[str, ...]

    @property
    def links(self) -> tuple[str, ...]:
        """The article where there is one, and the item."""
        item = f"https://www.wikidata.org/wiki/{self.item}"
        return (item,) if self.article is None else (self.article, item)


async def find_people(wish: Wish, polite: Polite, endpoint: str) -> AsyncIterator[tuple[KnownPerson, ...]]:
    """People page by page. Raises :class:`Unreachable` when the service fails or answers something else."""
    found = 0
    while found < wish.limit:
        count = min(_PAGE, wish.limit - found)
        answer = await polite.json(endpoint, {"query": _query(wish, count, found), "format": "json"})
        try:
            people = tuple(_people(answer["results"]["bindings"]))
        except (KeyError, TypeError) as error:
            raise Unreachable(f"{endpoint} did not answer with people") from error
        if not people:
            return
        yield people
        found += count


def _query(wish: Wish, count: int, offset: int) -> str:
    today = datetime.now(UTC)
    return _QUERY.format(
        occupations=" ".join(f"wd:{occupation}" for occupation in wish.occupations),
        sitelinks=wish.sitelinks,
        adult=f"{today.year - _OF_AGE:04}-01-01T00:00:00Z",
        count=count,
        offset=offset,
        language=wish.language,
    )


def _people(rows: Iterable[dict[str, Any]]) -> Iterator[KnownPerson]:
    """Rows put together by person, in order."""
    people: dict[str, KnownPerson] = {}
    for row in rows:
        item = row["person"]["value"].rsplit("/", 1)[-1]
        name = _text(row, "personLabel")
        title = _title(row["image"]["value"])
        # Without a label in any wished language the service puts the item's number there.
        if name is None or name == item or title is None:
            continue
        person = people.get(item)
        if person is None:
            article = _text(row, "article")
            people[item] = KnownPerson(item, name, _text(row, "personDescription"), article, (title,))
        elif title not in person.pictures:
            people[item] = replace(person, pictures=(*person.pictures, title))
    yield from people.values()


def _text(row: dict[str, Any], key: str) -> str | None:
    value = row.get(key, {}).get("value", "")
    return " ".join(str(value).split())[:300] or None


def _title(address: str) -> str | None:
    """``Some face.jpg`` out of ``…/Special:FilePath/Some%20face.jpg``."""
    name = unquote(urlsplit(address).path.rsplit("/", 1)[-1])
    return name.replace("_", " ").strip() or None
