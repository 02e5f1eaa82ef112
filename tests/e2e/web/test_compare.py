"""The before/after slider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def painted(visit: Any, photo: Path) -> Locator:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    slider: Locator = visit.room("paint").get_by_role("slider", name="Before and after")
    await expect(slider).to_have_attribute("aria-valuenow", "50")
    return slider


async def test_keys_move_it_as_far_as_its_ends(visit: Any, photo: Path) -> None:
    slider = await painted(visit, photo)
    way = {
        "ArrowRight": 52, "Shift+ArrowLeft": 42, "ArrowLeft": 40, "PageUp": 50, "PageDown": 40, "End": 100, "ArrowUp": 100,
        "Home": 0, "ArrowDown": 0,
    }  # fmt: skip
    for key, value in way.items():
        await slider.press(key)
        await expect(slider).to_have_attribute("aria-valuenow", str(value))
        await expect(slider).to_have_attribute("aria-valuetext", f"{value} % before, {100 - value} % after")


async def test_dragging_anywhere_on_the_picture_moves_it(visit: Any, photo: Path) -> None:
    slider = await painted(visit, photo)
    box = await visit.part("paint", "compare").bounding_box()
    assert box
    mouse = visit.page.mouse
    await mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.2)
    await mouse.down()
    await mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.6, steps=4)
    await expect(slider).to_have_attribute("aria-valuenow", "25")
    await mouse.up()
    await mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.6)
    await expect(slider).to_have_attribute("aria-valuenow", "25")


async def test_the_photo_shows_on_the_left_and_the_result_on_the_right(visit: Any, photo: Path) -> None:
    slider = await painted(visit, photo)
    await slider.press("End")
    covered = visit.part("paint", "before")
    await expect(covered).to_have_css("clip-path", "inset(0px 0% 0px 0px)")
    await slider.press("Home")
    await expect(covered).to_have_css("clip-path", "inset(0px 100% 0px 0px)")
