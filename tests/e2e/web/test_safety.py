"""Data never becomes markup, and the page asks nobody but its own service."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Request, Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

EVIL = "<img src=x onerror=\"document.title='robbed'\"><b id=planted>bold</b>"
HOLES = "document.querySelectorAll('script:not([src]), style, [style*=url], base, iframe, object').length"


async def untouched(visit: Any) -> None:
    assert await visit.page.title() == "Masquerade · a portrait studio"
    assert await visit.page.locator("#planted").count() == 0


async def test_html_in_a_styles_title_stays_text(visit: Any) -> None:
    async def styles(route: Route) -> None:
        entry = {
            "name": "evil",
            "title": EVIL,
            "artist": EVIL,
            "year": EVIL,
            "preview": "javascript:document.title='robbed'",
        }
        await route.fulfill(
            json={"styles": [entry, {**entry, "preview": "https://elsewhere.example/a.jpg"}], "model": "m"}
        )

    await visit.page.route("**/v1/styles", styles)
    await visit.open()
    await expect(visit.page.get_by_role("radio").first).to_contain_text("<img src=x")
    assert await visit.page.locator("[data-part=preview][src]").count() == 0
    await untouched(visit)


async def test_html_in_a_persons_name_stays_text(visit: Any, photo: Path) -> None:
    match = {"name": EVIL, "similarity": 81.5, "image": "data:text/html,<b>x</b>", "role": EVIL, "attribution": EVIL,
             "link": "javascript:document.title='robbed'"}  # fmt: skip

    async def doubles(route: Route) -> None:
        faces = [{"box": [10, 10, 90, 90], "matches": [match, match]}]
        await route.fulfill(json={"faces": faces, "gallery": EVIL, "model": EVIL, "method": EVIL})

    await visit.pretend_everything_is_offered()
    await visit.page.route("**/v1/lookalike", doubles)
    await visit.open("lookalike")
    await visit.hang("lookalike", photo)
    await visit.act("lookalike")
    shown = visit.part("lookalike", "doubles")
    await expect(shown).to_contain_text("<img src=x")
    assert await shown.locator("a, img[src]").count() == 0
    await untouched(visit)


async def test_html_in_an_error_or_a_file_name_stays_text(visit: Any, photo: Path, tmp_path: Path, answer: Any) -> None:
    visit.failing_answers_expected = True
    file = tmp_path / "<b id=planted>me.jpg"
    file.write_bytes(photo.read_bytes())
    await visit.page.route("**/v1/style", answer(422, "invalid-field", EVIL))
    await visit.open()
    await visit.hang("paint", file)
    await expect(visit.caption("paint")).to_have_text(file.name)
    await visit.act("paint")
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("<img src=x")
    await untouched(visit)


async def test_odd_answers_are_survived(visit: Any, photo: Path) -> None:
    odd = {
        "faces": [{"box": ["a", None], "matches": [{}, None, {"similarity": 1e9}]}, {"matches": "none"}],
        "gallery": None,
    }
    await visit.pretend_everything_is_offered()
    await visit.page.route("**/v1/lookalike", lambda route: route.fulfill(json=odd))
    await visit.open("lookalike")
    await visit.hang("lookalike", photo)
    await visit.act("lookalike")
    await expect(visit.part("lookalike", "doubles")).to_contain_text("Unknown")


async def test_nothing_is_asked_of_anyone_but_the_service(visit: Any, photo: Path) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    visit.page.on("request", note)
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()
    own = urlsplit(visit.site).netloc
    assert {urlsplit(url).netloc for url in asked if not url.startswith(("blob:", "data:"))} == {own}


async def test_the_page_needs_no_inline_code_or_styles(visit: Any) -> None:
    await visit.open()
    markup = await (await visit.page.request.get(f"{visit.site}/")).text()
    assert "style=" not in markup
    assert " on" not in {attribute[:3] for attribute in markup.split("<")}
    assert await visit.page.evaluate(HOLES) == 0
