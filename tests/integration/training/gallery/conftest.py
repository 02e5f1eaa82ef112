"""Wikidata, Commons and its file server as one small server on this machine, with their manners and their faults."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from deployments.imaging import encode

Row = dict[str, dict[str, str]]


def jpeg(number: int) -> bytes:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:] = (number * 37 % 256, number * 91 % 256, 128)
    return encode(pixels)


@dataclass
class Wiki:
    """``people`` are rows by item; ``files`` what Commons says of a title; ``faults`` are answered first, one a request."""

    address: str = ""
    people: list[tuple[str, list[Row]]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[web.Response]] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)

    def person(self, item: str, name: str, *titles: str, description: str = "somebody", article: bool = True) -> None:
        rows = []
        for title in titles:
            row = {
                "person": {"value": f"http://www.wikidata.org/entity/{item}"},
                "personLabel": {"value": name},
                "personDescription": {"value": description},
                "image": {"value": f"http://commons.wikimedia.org/wiki/Special:FilePath/{title.replace(' ', '%20')}"},
            }
            if article:
                row["article"] = {"value": f"https://en.wikipedia.org/wiki/{item}"}
            rows.append(row)
        self.people.append((item, rows))

    def file(
        self, title: str, licence: str | None = "CC BY-SA 4.0", mime: str = "image/jpeg", artist: str = ""
    ) -> None:
        number = len(self.files)
        data = jpeg(number)
        sha1 = hashlib.sha1(title.encode()).hexdigest()
        self.pictures[sha1] = data
        metadata = {"Artist": {"value": artist or f'<a href="//x">Photographer <b>{number}</b></a> &amp; Co.'}}
        if licence is not None:
            metadata["LicenseShortName"] = {"value": licence}
        address = f"{self.address}/thumb/{sha1}"
        self.files[title] = {"mime": mime, "sha1": sha1, "thumburl": address, "url": address, "extmetadata": metadata}

    def asked(self, path: str) -> list[web.Request]:
        return [request for request in self.requests if request.path.startswith(path)]


@pytest.fixture
async def wiki() -> AsyncIterator[Wiki]:
    wiki = Wiki()

    @web.middleware
    async def with_faults(request: web.Request, handler: Any) -> web.StreamResponse:
        wiki.requests.append(request)
        for path, faults in wiki.faults.items():
            if faults and request.path.startswith(path):
                return faults.pop(0)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def sparql(request: web.Request) -> web.Response:
        query = request.query["query"]
        words = query.replace("\n", " ").split()
        count, offset = int(words[words.index("LIMIT") + 1]), int(words[words.index("OFFSET") + 1])
        rows = [row for _, rows in wiki.people[offset : offset + count] for row in rows]
        return web.json_response({"results": {"bindings": rows}})

    async def api(request: web.Request) -> web.Response:
        pages, normalized = [], []
        titles = request.query["titles"].split("|")
        assert len(titles) <= 50
        for title in titles:
            # As MediaWiki does: the first letter is always large.
            name = title.removeprefix("File:")
            canonical = name[:1].upper() + name[1:]
            if canonical != name:
                normalized.append({"from": title, "to": f"File:{canonical}"})
            page: dict[str, Any] = {"title": f"File:{canonical}"}
            if canonical in wiki.files:
                page["imageinfo"] = [wiki.files[canonical]]
            else:
                page["missing"] = True
            pages.append(page)
        return web.json_response({"query": {"normalized": normalized, "pages": pages}})

    async def thumb(request: web.Request) -> web.Response:
        data = wiki.pictures.get(request.match_info["sha1"])
        return web.Response(body=data, content_type="image/jpeg") if data else web.Response(status=404)

    app = web.Application(middlewares=[with_faults])
    app.add_routes([web.get("/sparql", sparql), web.get("/w/api.php", api), web.get("/thumb/{sha1}", thumb)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    wiki.address = f"http://{host}:{port}"
    yield wiki
    await runner.cleanup()
