"""Pictures of Wikimedia Commons with their licence and author."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

from training.gallery.polite import Polite, Unreachable

# The most titles one request may ask for.
_TITLES: Final = 50
_WIDTH: Final = 1024
_MAXLAG_S: Final = 5
_SUFFIXES: Final = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_MOST_BYTES: Final = 20 * 2**20


@dataclass(frozen=True, slots=True)
class CommonsPicture:
    """A picture file. ``address`` leads to a rendering at most 1024 px wide, ``sha1`` is that of the original."""

    title: str
    address: str
    sha1: str
    suffix: str
    licence: str
    author: str | None

    @property
    def attribution(self) -> str:
        """Whom to name, as Commons asks."""
        return f"{self.author or 'Unknown author'}, via Wikimedia Commons"


class Commons:
    """The MediaWiki API of Commons, or of a wiki like it."""

    def __init__(self, api: str, polite: Polite) -> None:
        self._api = api
        self._polite = polite

    async def describe(self, titles: Iterable[str]) -> dict[str, CommonsPicture]:
        """The pictures among ``titles`` (without ``File:``), by title.

        Files that are no photographs, that are gone, or whose licence is not stated are left out. Raises
        :class:`Unreachable`.
        """
        found: dict[str, CommonsPicture] = {}
        remaining = iter(dict.fromkeys(titles))
        while some := list(itertools.islice(remaining, _TITLES)):
            answer = await self._polite.json(self._api, _parameters(some))
            try:
                found |= dict(_pictures(answer["query"], some))
            except (AttributeError, KeyError, TypeError) as error:
                raise Unreachable(f"{self._api} did not answer with pictures") from error
        return found

    async def fetch(self, picture: CommonsPicture) -> bytes:
        """The rendering's bytes. Raises :class:`training.gallery.polite.NotThere` and :class:`Unreachable`."""
        return await self._polite.data(picture.address, _MOST_BYTES)


def _parameters(titles: list[str]) -> dict[str, str]:
    return {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "maxlag": str(_MAXLAG_S),
        "redirects": "1",
        "titles": "|".join(f"File:{title}" for title in titles),
        "prop": "imageinfo",
        "iiprop": "url|mime|sha1|extmetadata",
        "iiurlwidth": str(_WIDTH),
        "iiextmetadatafilter": "LicenseShortName|Artist",
        "iiextmetadatalanguage": "en",
    }


def _pictures(query: dict[str, Any], titles: Iterable[str]) -> Iterator[tuple[str, CommonsPicture]]:
    # The answer goes by the titles that the wiki made of ours, in up to two steps.
    steps = {step["from"]: step["to"] for part in ("normalized", "redirects") for step in query.get(part, ())}
    pages = {page["title"]: page for page in query["pages"]}
    for title in titles:
        name = f"File:{title}"
        name = steps.get(name, name)
        page = pages.get(steps.get(name, name), {})
        for info in page.get("imageinfo", ())[:1]:
            picture = _picture(title, info)
            if picture is not None:
                yield title, picture


def _picture(title: str, info: Mapping[str, Any]) -> CommonsPicture | None:
    metadata = info.get("extmetadata", {})
    licence = _plain(metadata, "LicenseShortName")
    address = info.get("thumburl") or info.get("url")
    suffix = _SUFFIXES.get(str(info.get("mime")))
    if suffix is None or licence is None or not address:
        return None
    if not re.fullmatch(r"[0-9a-f]{40}", str(info.get("sha1"))):
        return None
    return CommonsPicture(title, str(address), str(info["sha1"]), suffix, licence, _plain(metadata, "Artist"))


def _plain(metadata: Mapping[str, Any], key: str) -> str | None:
    """A field of the extended metadata, which holds HTML, as text."""
    text = str(metadata.get(key, {}).get("value", ""))
    text = unescape(re.sub(r"<[^>]*>", " ", text))
    return " ".join(text.split())[:200].strip() or None
