"""Whom a face looks like, and the pair to keep."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_every_face_gets_its_doubles(visit: Any, group: Path) -> None:
    await visit.open("lookalike")
    await visit.hang("lookalike", group)
    await visit.act("lookalike")
    faces = visit.part("lookalike", "faces").get_by_role("button")
    await expect(faces).to_have_count(6)
    await faces.nth(3).click()
    await expect(faces.nth(3)).to_have_attribute("aria-pressed", "true")
    doubles = visit.part("lookalike", "doubles")
    await expect(doubles).to_contain_text("Face 4 of 6")
    await expect(doubles.get_by_role("img", name=re.compile("Portrait of .+"))).to_be_visible()
    for percent in await doubles.locator(".couple-percent, .match-percent").all_text_contents():
        assert re.fullmatch(r"[1-9]\d? %", percent)
    await expect(doubles.locator(".footnote")).to_have_text(re.compile("less (a)?like "))


async def test_beside_the_picture_the_doubles_come_without_moving_the_question_away(visit: Any, group: Path) -> None:
    await visit.page.emulate_media(reduced_motion="reduce")
    await visit.page.set_viewport_size({"width": 1280, "height": 900})
    await visit.open("lookalike")
    await visit.hang("lookalike", group)
    await visit.act("lookalike")
    await expect(visit.page.locator("#announcer")).to_have_text("6 faces.")
    assert await visit.room("lookalike").locator(".tools").evaluate("(tools) => tools.scrollTop") == 0


async def test_a_face_and_its_double_can_be_kept_side_by_side(visit: Any, portrait: Path, tmp_path: Path) -> None:
    await visit.open("lookalike")
    await visit.hang("lookalike", portrait)
    await visit.act("lookalike")
    async with visit.page.expect_download() as saving:
        await visit.page.get_by_role("button", name="Keep the pair").click()
    saved = await saving.value
    assert re.fullmatch(r"astronaut-and-[\w-]+\.jpg", saved.suggested_filename)
    await saved.save_as(tmp_path / "pair.jpg")
    with Image.open(tmp_path / "pair.jpg") as pair:
        assert pair.width > pair.height


async def test_a_pair_without_its_portrait_cannot_be_kept(visit: Any, portrait: Path) -> None:
    visit.failing_answers_expected = True
    await visit.page.route("**/v1/gallery/**", lambda route: route.abort())
    await visit.open("lookalike")
    await visit.hang("lookalike", portrait)
    await visit.act("lookalike")
    await expect(visit.part("lookalike", "doubles")).to_contain_text("%")
    await expect(visit.page.get_by_role("button", name="Keep the pair")).to_be_hidden()


async def test_a_photo_without_faces_has_no_doubles_and_says_so(visit: Any, photo: Path) -> None:
    visit.failing_answers_expected = True
    await visit.open("lookalike")
    await visit.hang("lookalike", photo)
    await visit.act("lookalike")
    await expect(visit.room("lookalike").get_by_role("alert")).to_contain_text("Nobody in sight.")
