"""The before/after slider."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Locator, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


# A menu that really opens takes the next click.
NOTE_MENUS = """
addEventListener("contextmenu", (event) => {
  event.preventDefault();
  window.asked = event.target.dataset.part;
});
"""


async def painted(visit: Any, photo: Path) -> Locator:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    await expect(visit.page.locator("#announcer")).to_contain_text("Done.")
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


async def test_whoever_moves_it_need_not_wait_for_the_unveiling(visit: Any, photo: Path) -> None:
    slider = await painted(visit, photo)
    await slider.press("End")
    clip = await visit.part("paint", "before").evaluate("(before) => getComputedStyle(before).clipPath")
    assert clip == "inset(0px 0% 0px 0px)"


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


async def test_a_result_can_be_magnified_with_two_fingers(phone: Any, photo: Path) -> None:
    await painted(phone, photo)
    picture = phone.part("paint", "compare")
    await expect(picture).to_have_css("touch-action", "pan-y pinch-zoom")
    box = await picture.bounding_box()
    assert box
    session = await phone.page.context.new_cdp_session(phone.page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 3
    for kind, apart in [("touchStart", 20), *(("touchMove", apart) for apart in range(25, 100, 5))]:
        fingers = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        await session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
        await phone.page.wait_for_timeout(16)
    await session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert await phone.page.evaluate("visualViewport.scale") > 1.5


async def test_the_menu_of_a_picture_is_asked_for_on_the_picture(visit: Any, photo: Path) -> None:
    """So that a browser's own menu offers to copy it and to keep it, wherever the handle is."""
    slider = await painted(visit, photo)
    await slider.press("ArrowLeft")
    box = await visit.part("paint", "compare").bounding_box()
    assert box
    await visit.page.evaluate(NOTE_MENUS)
    for share, part in [(0.2, "before"), (0.51, "after"), (0.8, "after")]:
        await visit.page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.3, button="right")
        assert await visit.page.evaluate("window.asked") == part


async def test_the_result_does_not_show_through_what_a_photo_leaves_transparent(visit: Any, tmp_path: Path) -> None:
    photo, black = tmp_path / "glass.png", tmp_path / "black.png"
    Image.new("RGBA", (300, 200)).save(photo)
    Image.new("RGB", (300, 200)).save(black)
    await visit.pretend_everything_is_offered()
    await visit.page.route("**/v1/style", lambda route: route.fulfill(path=black))
    slider = await painted(visit, photo)
    await slider.press("ArrowLeft")
    with Image.open(io.BytesIO(await visit.part("paint", "compare").screenshot())) as shown:
        left, right = (
            shown.convert("L").getpixel((int(shown.width * share), shown.height // 2)) for share in (0.3, 0.8)
        )
    assert left > 200
    assert right < 20


@pytest.mark.parametrize(("size", "named"), [((3000, 120), False), ((300, 200), True)], ids=["a strip", "a photo"])
async def test_the_sides_are_named_where_there_is_room(
    visit: Any, tmp_path: Path, size: tuple[int, int], named: bool
) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", size, "#777").save(photo)
    await painted(visit, photo)
    await expect(visit.part("paint", "compare").get_by_text("After")).to_be_visible(visible=named)
