"""Keyboard, screen readers, phones, reduced motion."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

MODES = ["paint", "lookalike", "swap", "hide", "real"]
SMALL_TARGETS = """
() => [...document.querySelectorAll("button, a[href], select, input:not([type=file]), [role=radio]")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.classList.contains("skip"))
  .map((element) => [element.closest("label") ?? element, element.textContent || element.ariaLabel || element.outerHTML])
  .map(([element, words]) => [words.trim(), element.getBoundingClientRect()])
  .filter(([, { width, height }]) => width < 44 || height < 44)
  .map(([words, { width, height }]) => `${words} ${width}x${height}`)
"""
NAMELESS = """
() => [...document.querySelectorAll("button, a[href], input:not([type=file]), [role=slider], [role=radio], img")]
  .filter((element) => element.checkVisibility())
  .filter((element) => element.tagName === "IMG" ? !element.hasAttribute("alt")
    : !(element.textContent.trim() || element.ariaLabel || element.labels?.length))
  .map((element) => element.outerHTML)
"""


async def test_a_photo_is_painted_with_nothing_but_the_keyboard(visit: Any, photo: Path) -> None:
    keyboard, page = visit.page.keyboard, visit.page
    await visit.open()
    await expect(page.get_by_role("radio").first).to_be_visible()
    await keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the studio")).to_be_focused()
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    async with page.expect_file_chooser() as choosing:
        # Inside, so that the browser has been told to hand its file dialog over before the key is pressed.
        await expect(page.get_by_role("button", name="Choose a photo").first).to_be_focused()
        await keyboard.press("Enter")
    await (await choosing.value).set_files(photo)
    await expect(visit.part("paint", "picture")).to_be_visible()
    await expect(page.get_by_role("button", name="Change photo")).to_be_focused()
    await keyboard.press("Tab")
    await expect(page.get_by_role("radio").first).to_be_focused()
    await keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio").nth(1)).to_be_checked()
    await keyboard.press("Tab")
    await keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Blend in a second style")).to_be_focused()
    await keyboard.press("Enter")
    await keyboard.press("End")
    await keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio").first).to_be_checked()
    await keyboard.press("Tab")
    await keyboard.press("Tab")
    await expect(page.get_by_role("slider", name="Mix of the two styles")).to_be_focused()
    await keyboard.press("ArrowLeft")
    for _ in range(3):
        await keyboard.press("Tab")
    await expect(page.get_by_label("Like a picture of yours")).to_be_focused()
    await keyboard.press("Tab")
    await expect(page.get_by_role("slider", name="Strength")).to_be_focused()
    await keyboard.press("Tab")
    await keyboard.press("Space")
    await expect(page.get_by_role("switch")).to_be_checked()
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    slider = page.get_by_role("slider", name="Before and after")
    await expect(slider).to_be_visible()
    await keyboard.press("Shift+Tab")
    for _ in range(12):
        if await slider.evaluate("(element) => element === document.activeElement"):
            break
        await keyboard.press("Shift+Tab")
    await expect(slider).to_be_focused()
    await keyboard.press("Home")
    await expect(slider).to_have_attribute("aria-valuenow", "0")


async def test_skipping_to_the_studio_leaves_the_room_in_the_address(visit: Any) -> None:
    await visit.open("hide")
    skip = visit.page.get_by_role("link", name="Skip to the studio")
    await skip.focus()
    await visit.page.keyboard.press("Enter")
    await expect(visit.page.locator("#studio")).to_be_focused()
    await visit.page.reload()
    await expect(visit.room("hide")).to_be_visible()


async def test_arrows_walk_through_the_tabs(visit: Any) -> None:
    await visit.open()
    tabs = visit.page.get_by_role("tab")
    await tabs.first.focus()
    await visit.page.keyboard.press("ArrowLeft")
    await expect(tabs.last).to_be_focused()
    await expect(tabs.last).to_have_attribute("aria-selected", "true")
    assert await tabs.evaluate_all("(tabs) => tabs.findIndex((tab) => tab.tabIndex === 0) === tabs.length - 1")
    await visit.page.keyboard.press("Home")
    await expect(tabs.first).to_be_focused()
    assert await tabs.evaluate_all("(tabs) => tabs.filter((tab) => tab.tabIndex === 0).length") == 1


async def test_progress_and_results_are_announced(visit: Any, photo: Path) -> None:
    await visit.open()
    status = visit.page.locator("#announcer")
    await visit.hang("paint", photo)
    await expect(status).to_have_text("harbour.jpg hangs on the easel.")
    await visit.act("paint")
    await expect(status).to_contain_text("Done. A before and after slider is on the picture.")


async def test_a_photo_that_takes_the_place_of_one_at_work_is_announced(
    visit: Any, photo: Path, turned_photo: Path
) -> None:
    await visit.page.route("**/v1/style", lambda route: asyncio.sleep(0))
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    await expect(visit.page.locator("#announcer")).to_have_text("Painting.")
    await visit.hang("paint", turned_photo)
    await expect(visit.caption("paint")).to_have_text("upright.jpg")
    await expect(visit.page.locator("#announcer")).to_have_text("upright.jpg hangs on the easel.")


@pytest.mark.parametrize("mode", MODES)
async def test_nothing_is_without_a_name(visit: Any, group: Path, mode: str) -> None:
    await visit.open(mode)
    await visit.hang(mode, group)
    assert await visit.page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("mode", MODES)
async def test_headings_lead_down_one_level_at_a_time(visit: Any, mode: str) -> None:
    await visit.open(mode)
    levels = await visit.page.evaluate(
        "() => [...document.querySelectorAll('h1, h2, h3')].filter((h) => h.checkVisibility()).map((h) => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("mode", MODES)
async def test_a_phone_shows_each_room_without_sideways_scrolling(phone: Any, group: Path, mode: str) -> None:
    await phone.open(mode)
    for hung in (False, True):
        if hung:
            await phone.hang(mode, group)
        width = await phone.page.evaluate("document.documentElement.scrollWidth")
        assert width == 390


@pytest.mark.parametrize(("mode", "shown"), [("paint", "compare"), ("lookalike", "doubles"), ("hide", "compare")])
async def test_results_do_not_widen_a_phones_page(phone: Any, group: Path, mode: str, shown: str) -> None:
    await phone.open(mode)
    await phone.hang(mode, group)
    await phone.act(mode)
    await expect(phone.part(mode, shown)).to_be_visible()
    assert await phone.page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("mode", MODES)
async def test_everything_on_a_phone_is_big_enough_to_tap(phone: Any, photo: Path, mode: str) -> None:
    await phone.open(mode)
    if mode == "paint":
        await expect(phone.page.get_by_role("radio").first).to_be_visible()
    assert await phone.page.evaluate(SMALL_TARGETS) == []
    phone.failing_answers_expected = True
    await phone.hang(mode, photo)
    assert await phone.page.evaluate(SMALL_TARGETS) == []


async def test_a_phone_offers_to_take_a_photo(phone: Any) -> None:
    await phone.open()
    async with phone.page.expect_file_chooser() as choosing:
        await phone.room("paint").get_by_role("button", name="Take one").tap()
    camera = (await choosing.value).element
    assert await camera.get_attribute("capture") == "user"


async def test_what_is_asked_for_comes_into_view_on_a_phone(phone: Any, group: Path) -> None:
    await phone.open("lookalike")
    await phone.hang("lookalike", group)
    await phone.act("lookalike")
    await expect(phone.part("lookalike", "doubles").locator(".couple-pictures")).to_be_in_viewport()


async def test_a_phone_on_its_side_shows_a_result_large_and_what_to_do_with_it(phone: Any, photo: Path) -> None:
    # The result is scrolled to at once, so that it stands still where it is measured.
    await phone.page.emulate_media(reduced_motion="reduce")
    await phone.page.set_viewport_size({"width": 844, "height": 390})
    await phone.open()
    await phone.hang("paint", photo)
    await phone.act("paint")
    await expect(phone.page.get_by_role("link", name="Download")).to_be_in_viewport(ratio=1)
    await expect(phone.part("paint", "compare")).to_be_in_viewport(ratio=1)
    box = await phone.part("paint", "compare").bounding_box()
    assert box["height"] > 390 / 2
    tabs = await phone.page.get_by_role("tablist").bounding_box()
    assert 0 <= box["y"] < box["y"] + box["height"] <= tabs["y"]


async def test_a_phone_on_its_side_shows_both_pictures_of_a_swap(phone: Any, portrait: Path, group: Path) -> None:
    await phone.page.set_viewport_size({"width": 844, "height": 390})
    await phone.open("swap")
    await phone.hang("swap", portrait)
    await phone.hang("swap", group, seat=1)
    pictures = phone.part("swap", "picture")
    await expect(pictures).to_have_count(2)
    await pictures.first.scroll_into_view_if_needed()
    for picture in await pictures.all():
        await expect(picture).to_be_in_viewport(ratio=1)
        box = await picture.bounding_box()
        assert box and box["width"] > 200


async def test_a_phone_on_its_side_shows_a_double_with_its_name(phone: Any, portrait: Path) -> None:
    await phone.page.set_viewport_size({"width": 844, "height": 390})
    await phone.open("lookalike")
    await phone.hang("lookalike", portrait)
    await phone.act("lookalike")
    doubles = phone.part("lookalike", "doubles")
    await doubles.locator(".couple-pictures").scroll_into_view_if_needed()
    await doubles.locator(".couple").evaluate("(couple) => couple.scrollIntoView({ behavior: 'instant' })")
    await expect(doubles.locator(".couple-name")).to_be_in_viewport(ratio=1)


async def test_a_large_screen_shows_a_large_picture(visit: Any, photo: Path) -> None:
    await visit.page.set_viewport_size({"width": 3840, "height": 2160})
    await visit.open()
    await visit.hang("paint", photo)
    box = await visit.part("paint", "picture").bounding_box()
    assert box and box["width"] > 3840 * 0.4


async def test_a_room_begins_at_its_top_wherever_the_last_one_was_left(phone: Any, photo: Path) -> None:
    await phone.page.set_viewport_size({"width": 390, "height": 640})
    for room, other in [("paint", "lookalike"), ("lookalike", "paint")]:
        await phone.open(room)
        await phone.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        assert await phone.page.evaluate("window.scrollY") > 0
        await phone.page.locator(f"#tab-{other}").tap()
        await expect(phone.part(other, "choose")).to_be_in_viewport(ratio=1)


async def test_whoever_wants_less_motion_gets_none(browser: Browser, site: str, photo: Path) -> None:
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(site)
    await page.locator("body.open").wait_for()
    await page.locator("#paint [data-part=file]").set_input_files(photo)
    await page.locator("#paint .act").click()
    await expect(page.locator("#paint [data-part=compare]")).to_be_visible()
    moving = await page.evaluate("document.getAnimations().length")
    await context.close()
    assert moving == 0


async def test_what_is_chosen_shows_in_a_high_contrast_theme(visit: Any) -> None:
    await visit.page.emulate_media(forced_colors="active")
    await visit.open()
    chosen = visit.page.locator(".style.chosen .style-frame")
    await expect(chosen).to_have_css("outline-style", "solid")
    marks = await visit.page.get_by_role("tab").evaluate_all(
        "(tabs) => tabs.map((tab) => [getComputedStyle(tab, '::after'), getComputedStyle(document.body)]"
        ".map(({ backgroundColor }) => backgroundColor))"
    )
    assert all(mark != ground for mark, ground in marks)


async def test_focus_can_be_seen(visit: Any) -> None:
    await visit.open()
    await visit.page.keyboard.press("Tab")
    await visit.page.keyboard.press("Tab")
    outline = await visit.page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"


async def test_focus_on_a_picture_of_ones_own_looks_like_focus_and_not_like_a_choice(visit: Any) -> None:
    await visit.open()
    own = visit.page.get_by_label("Like a picture of yours")
    await own.focus()
    await visit.page.keyboard.press("Shift+Tab")
    expected = await visit.page.evaluate("getComputedStyle(document.activeElement).outline")
    await visit.page.keyboard.press("Tab")
    await expect(own).to_be_focused()
    assert await visit.page.locator("label", has=own).evaluate("(label) => getComputedStyle(label).outline") == expected


async def test_the_focus_stays_at_the_label_when_the_button_it_was_on_goes(visit: Any, photo: Path) -> None:
    held: list[Route] = []
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.route("**/v1/style", lambda route: held.append(route))
    async with visit.page.expect_request("**/v1/style"):
        await visit.act("paint")
    await visit.page.get_by_role("button", name="Cancel").focus()
    await held[0].continue_()
    await expect(visit.page.get_by_role("link", name="Download")).to_be_visible()
    await expect(visit.part("paint", "label")).to_be_focused()
    await visit.page.keyboard.press("Tab")
    await expect(visit.page.get_by_role("link", name="Download")).to_be_focused()


async def test_looking_for_the_styles_again_keeps_the_focus(visit: Any, answer: Any) -> None:
    visit.failing_answers_expected = True
    await visit.page.route("**/v1/styles", answer(503, "unavailable", "The style model is restarting."))
    await visit.open()
    again = visit.page.get_by_role("button", name="Look again")
    await again.focus()
    async with visit.page.expect_response("**/v1/styles"):
        await visit.page.keyboard.press("Enter")
    await expect(again).to_be_focused()
    await visit.page.unroute("**/v1/styles")
    await visit.page.keyboard.press("Enter")
    await expect(visit.page.get_by_role("radio").first).to_be_focused()


async def test_the_bar_is_named_after_what_is_being_done(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    # Sent, and never answered.
    await visit.page.evaluate(
        """() => {
          XMLHttpRequest.prototype.send = function () { this.upload.dispatchEvent(new ProgressEvent("load")) };
        }"""
    )
    await visit.act("paint")
    await expect(visit.room("paint").get_by_role("progressbar", name="Painting")).to_be_visible()


async def test_long_words_stay_within_the_narrowest_screen(visit: Any, photo: Path) -> None:
    long = "https://commons.example.org/" + "portrait" * 30
    match = {"name": long, "role": long, "similarity": 81.5, "attribution": long}
    entry = {"name": "long", "title": "T" * 200, "artist": "A" * 200}
    faces = [{"box": [10, 10, 90, 90], "matches": [match, match]}]
    await visit.page.set_viewport_size({"width": 320, "height": 640})
    await visit.pretend_everything_is_offered()
    await visit.page.route("**/v1/styles", lambda route: route.fulfill(json={"styles": [entry, entry]}))
    await visit.page.route(
        "**/v1/lookalike", lambda route: route.fulfill(json={"faces": faces, "gallery": long, "method": long})
    )
    await visit.open()
    await expect(visit.part("paint", "painter")).to_have_text("A" * 200)
    await visit.hang("paint", photo)
    assert await visit.page.evaluate("document.documentElement.scrollWidth") == 320
    await visit.page.get_by_role("tab", name="Look alike").click()
    await visit.act("lookalike")
    await expect(visit.part("lookalike", "doubles")).to_contain_text("Portraits: ")
    assert await visit.page.evaluate("document.documentElement.scrollWidth") == 320


async def test_of_a_long_name_a_caption_leaves_room_for_what_became_of_the_picture(
    phone: Any, photo: Path, tmp_path: Path
) -> None:
    file = tmp_path / f"IMG_20260714_{'x' * 150}_harbour.jpg"
    file.write_bytes(photo.read_bytes())
    await phone.open()
    await phone.hang("paint", file)
    await phone.act("paint")
    await expect(phone.caption("paint")).to_have_text(re.compile("^IMG_20260714_xx…_harbour, after "))


async def test_the_two_seats_of_a_swap_can_be_told_apart_without_seeing(visit: Any) -> None:
    await visit.open("swap")
    for seat in ("Faces from", "Into this picture"):
        group = visit.page.get_by_role("group", name=seat)
        await expect(group.get_by_role("button", name="Choose a photo")).to_be_visible()


async def test_the_face_being_looked_at_shows_in_a_high_contrast_theme(visit: Any, group: Path) -> None:
    await visit.page.emulate_media(forced_colors="active")
    await visit.open("lookalike")
    await visit.hang("lookalike", group)
    await visit.act("lookalike")
    faces = visit.part("lookalike", "faces").get_by_role("button")
    await faces.nth(2).click()
    widths = await faces.evaluate_all("(faces) => faces.map((face) => parseFloat(getComputedStyle(face).borderWidth))")
    assert [index for index, width in enumerate(widths) if width > min(widths)] == [2]


async def test_on_paper_there_is_the_result_without_the_tools(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()
    await visit.page.emulate_media(media="print")
    await expect(visit.page.locator("#paint [data-part=after]")).to_be_visible()
    await expect(visit.caption("paint")).to_be_visible()
    for tool in (".tabs", "#paint .bench", "#paint .before", "#paint .change", "#paint [data-part=actions]"):
        await expect(visit.page.locator(tool)).to_be_hidden()
