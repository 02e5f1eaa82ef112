"""The tour sends every sample where it should, keeps the pictures, and says which capability failed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from serve_app.client import StudioClient
from serve_app.demo.contact_sheet import summary, write_contact_sheet
from serve_app.demo.tour import Stop, Tour, TourFailed
from serve_app.samples import Sample

from ..conftest import picture

ADA = Sample("ada", "Ada", 1, "public domain", picture(200, 100, 50))
CHOIR = Sample("choir", "The Choir", 2, "public domain", picture(20, 200, 50))
JPEG = picture(1, 2, 3, media_type="image/jpeg")


class Studio:
    """Paints, swaps at rest, has no lookalikes yet, and remembers the fields of every form."""

    def __init__(self) -> None:
        self.forms: list[tuple[str, dict[str, list[Any]]]] = []
        self.refuses = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/readyz":
            states = {"style": "ready", "swap": "at rest", "lookalike": "loading"}
            return web.json_response({"ready": True, "capabilities": states})
        if request.path == "/v1/styles":
            return web.json_response({"styles": [{"name": name, "title": name.title()} for name in ("wave", "night")]})
        form: dict[str, list[Any]] = {}
        async for part in await request.multipart():
            form.setdefault(part.name, []).append(bytes(await part.read()) if part.filename else await part.text())
        self.forms.append((request.path, form))
        if request.path == self.refuses:
            problem = {"type": "urn:masquerade:problem:no-face", "detail": "There is nobody."}
            return web.json_response(problem, status=422, content_type="application/problem+json")
        if request.path == "/v1/moderate":
            return web.json_response({"allowed": True, "rule": None}, headers={"X-Model": "judge@v1"})
        return web.Response(body=JPEG, content_type="image/jpeg", headers={"X-Model": "painter@v1"})


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
async def tour(studio: Studio, tmp_path: Path) -> AsyncIterator[Tour]:
    runner = web.ServerRunner(web.Server(studio.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with StudioClient(f"http://127.0.0.1:{runner.addresses[0][1]}", deadline_s=20) as client:
        yield Tour(client, tmp_path)
    await runner.cleanup()


async def stops_of(tour: Tour) -> list[Stop]:
    return [stop async for stop in tour.stops((ADA, CHOIR))]


async def test_every_ready_capability_is_visited_and_its_pictures_are_kept(
    tour: Tour, studio: Studio, tmp_path: Path
) -> None:
    stops = await stops_of(tour)
    assert [(stop.capability, stop.sample, stop.words or stop.title) for stop in stops] == [
        ("moderate", "ada", "allowed"),
        ("moderate", "choir", "allowed"),
        *(("style", sample, title) for sample in ("ada", "choir") for title in ("Wave", "Night", "Wave × Night")),
        ("swap", "choir", "Ada as everyone"),
    ]
    for stop in stops:
        assert stop.picture is None or (tmp_path / stop.picture).read_bytes() == JPEG
    assert (tmp_path / "choir-swap-ada-as-everyone.jpg").is_file()
    assert studio.forms[0] == ("/v1/moderate", {"image": [ADA.data]})
    assert studio.forms[4] == ("/v1/style", {"image": [ADA.data], "style": ["wave:0.5", "night:0.5"]})
    assert studio.forms[-1] == (
        "/v1/swap",
        {"source": [ADA.data], "target": [CHOIR.data], "mapping": ["0:0,0:1"]},
    )


async def test_the_contact_sheet_shows_what_the_tour_brought(tour: Tour, tmp_path: Path) -> None:
    stops = await stops_of(tour)
    assert [(name, gave, model) for name, gave, _, model in summary(stops)] == [
        ("moderate", "allowed", "judge@v1"),
        ("style", "6 pictures", "painter@v1"),
        ("swap", "1 picture", "painter@v1"),
    ]
    sheet = write_contact_sheet(tmp_path, (ADA, CHOIR), stops)
    shown = re.findall(r'src="([^"]+)"', sheet.read_text(encoding="utf-8"))
    assert len(shown) == 2 + 7
    assert all((tmp_path / name).is_file() for name in shown)


async def test_a_capability_that_refuses_a_sample_is_named(tour: Tour, studio: Studio) -> None:
    studio.refuses = "/v1/swap"
    with pytest.raises(TourFailed, match=r"^/v1/swap answered 422: There is nobody\.$"):
        await stops_of(tour)
