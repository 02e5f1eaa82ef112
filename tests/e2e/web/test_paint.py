"""Painting a photo on the page."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SHARING = """
navigator.canShare = ({ files }) => files.length === 1;
navigator.share = async ({ files }) => { [window.shared] = files; };
"""

PLACES = (
    "(all) => all.map((one) => one.getBoundingClientRect()).map(({ x, y, width, height }) => [x, y, width, height])"
)
HOLD_FIRST_DECODE = """
() => {
  const { decode } = HTMLImageElement.prototype;
  HTMLImageElement.prototype.decode = function () {
    HTMLImageElement.prototype.decode = decode;
    document.documentElement.dataset.held = "";
    return new Promise((resolve) => { window.letGo = () => decode.call(this).then(resolve) });
  };
}
""".strip()
# Resolves once whoever waits for the answer has had their turn.
HOLD_FIRST_FETCH = """
() => {
  const { fetch } = window;
  window.fetch = (...asked) => {
    window.fetch = fetch;
    const answer = fetch(...asked);
    return new Promise((resolve) => {
      window.letGo = async () => {
        resolve(await answer);
        await new Promise((later) => setTimeout(later, 100));
      };
    });
  };
}
""".strip()


async def test_an_uploaded_photo_comes_back_painted_in_its_own_size(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()
    assert await visit.natural_size("paint", "after") == [360, 240]
    await expect(visit.caption("paint")).to_have_text(re.compile("harbour, after "))


async def test_a_turned_phone_photo_hangs_upright_before_and_after(visit: Any, turned_photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", turned_photo)
    assert await visit.natural_size("paint", "picture") == [240, 360]
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()
    assert await visit.natural_size("paint", "after") == [240, 360]


async def test_every_style_shows_its_picture_title_and_painter(visit: Any) -> None:
    await visit.open()
    styles = visit.page.get_by_role("radiogroup", name="Style").get_by_role("radio")
    await expect(styles.first).to_be_visible()
    for style in await styles.all():
        assert await style.locator("img").evaluate("async (i) => { await i.decode(); return i.naturalWidth }") > 0
        assert re.fullmatch(r"\s*\S.+by \S.+\s*", (await style.text_content()) or "", re.DOTALL)


async def test_the_chosen_style_strength_and_colours_are_what_is_asked_for(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.get_by_role("radio").nth(1).click()
    await visit.page.get_by_role("slider", name="Strength").fill("40")
    await visit.page.get_by_role("switch", name="Keep my photo’s colours").check()
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()
    styles = (await (await visit.page.request.get(f"{visit.site}/v1/styles")).json())["styles"]
    sent = dict(await visit.asked())
    assert sent == {"style": styles[1]["name"], "strength": "0.4", "preserve_color": "true"}


async def test_a_picture_of_ones_own_takes_the_painters_place_until_it_is_given_up(
    visit: Any, photo: Path, turned_photo: Path
) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    painter = await visit.part("paint", "painter").text_content()
    assert painter
    await visit.part("paint", "ownFile").set_input_files(turned_photo)
    await expect(visit.part("paint", "ownTitle")).to_have_text(f"Like {turned_photo.name}")
    await expect(visit.part("paint", "painter")).to_have_text("A picture of yours")
    assert await visit.part("paint", "styles").evaluate("(grid) => grid.inert")
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()
    await expect(visit.caption("paint")).to_have_text(re.compile(f"after {turned_photo.stem}"))
    assert "style" not in dict(await visit.asked())
    await visit.page.get_by_role("button", name="Back to the painters").click()
    await expect(visit.part("paint", "painter")).to_have_text(painter)
    assert not await visit.part("paint", "styles").evaluate("(grid) => grid.inert")
    await visit.act("paint")
    await expect(visit.caption("paint")).not_to_have_text(re.compile(f"after {turned_photo.stem}"))
    assert "style" in dict(await visit.asked())


async def test_two_styles_blend_by_the_mix_slider(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    mix = visit.page.get_by_role("slider", name="Mix of the two styles")
    await expect(mix).to_be_hidden()
    await visit.page.get_by_role("button", name="Blend in a second style").click()
    await visit.page.get_by_role("radiogroup", name="Second style").get_by_role("radio").nth(2).click()
    await mix.fill("30")
    assert re.fullmatch("70 % .+, 30 % .+", await mix.get_attribute("aria-valuetext") or "")
    await visit.act("paint")
    await expect(visit.caption("paint")).to_have_text(re.compile("after .+ and after "))
    weights = [value.rpartition(":")[2] for name, value in await visit.asked() if name == "style"]
    assert weights == ["0.7", "0.3"]


async def test_nothing_is_blended_before_the_styles_are_here(visit: Any) -> None:
    arrive = asyncio.Event()

    async def late(route: Any) -> None:
        await arrive.wait()
        await route.continue_()

    await visit.page.route("**/v1/styles", late)
    await visit.open()
    blend = visit.page.get_by_role("button", name="Blend in a second style")
    await expect(blend).to_be_disabled()
    arrive.set()
    await blend.click()
    await expect(visit.page.get_by_role("radiogroup", name="Second style")).to_be_visible()


async def test_the_same_style_cannot_be_blended_with_itself(visit: Any) -> None:
    await visit.open()
    await visit.page.get_by_role("button", name="Blend in a second style").click()
    first = visit.page.get_by_role("radio").first
    await expect(first).to_have_attribute("aria-disabled", "true")
    await first.click(force=True)
    await expect(visit.page.get_by_role("slider", name="Mix of the two styles")).to_be_hidden()


async def test_a_blend_can_be_undone(visit: Any) -> None:
    await visit.open()
    await visit.page.get_by_role("button", name="Blend in a second style").click()
    await visit.page.get_by_role("radio").nth(2).click()
    await visit.page.get_by_role("button", name="Take the second style out").click()
    await expect(visit.page.get_by_role("button", name="Blend in a second style")).to_be_focused()


async def test_the_download_is_named_after_photo_and_style(visit: Any, photo: Path, tmp_path: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    async with visit.page.expect_download() as saving:
        await visit.page.get_by_role("link", name="Download").click()
    saved = await saving.value
    assert re.fullmatch(r"harbour-\w+\.jpg", saved.suggested_filename)
    await saved.save_as(tmp_path / "saved.jpg")
    with Image.open(tmp_path / "saved.jpg") as picture:
        assert picture.size == (360, 240)


async def test_a_result_can_be_passed_on_where_the_device_shares_pictures(phone: Any, portrait: Path) -> None:
    await phone.page.set_viewport_size({"width": 360, "height": 740})
    await phone.page.add_init_script(SHARING)
    await phone.open("hide")
    await phone.hang("hide", portrait)
    await phone.act("hide")
    share = phone.page.get_by_role("button", name="Share")
    await share.tap()
    assert await phone.page.evaluate("[shared.name, shared.type]") == ["astronaut-hidden.jpg", "image/jpeg"]
    tops = {(await act.bounding_box())["y"] for act in await phone.part("hide", "actions").locator("> *").all()}
    assert len(tops) == 1, "all four stand in one row"


async def test_a_result_can_be_painted_again(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    await visit.page.get_by_role("button", name="Use as new photo").click()
    await expect(visit.part("paint", "compare")).to_be_hidden()
    await expect(visit.caption("paint")).to_have_text(re.compile(r"harbour-\w+\.jpg"))
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()


async def test_a_photo_stays_when_another_room_is_entered(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.get_by_role("tab", name="Hide faces").click()
    await expect(visit.part("hide", "picture")).to_have_attribute("alt", "harbour.jpg")


async def test_a_sample_photo_can_be_borrowed(visit: Any) -> None:
    await visit.open()
    if "/v1/samples" not in (await (await visit.page.request.get(f"{visit.site}/openapi.json")).json())["paths"]:
        pytest.skip("this studio lends no samples")
    await visit.room("paint").get_by_role("button", name="Borrow").first.click()
    await expect(visit.part("paint", "picture")).to_be_visible()
    assert min(await visit.natural_size("paint", "picture")) > 0


async def test_work_can_be_cancelled_and_started_again(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    held: list[Any] = []
    await visit.page.route("**/v1/style", lambda route: held.append(route))
    async with visit.page.expect_event("requestfailed") as dropped:
        await visit.act("paint")
        await expect(visit.room("paint").get_by_role("progressbar")).to_be_visible()
        await expect(visit.room("paint").get_by_role("button", name="Paint it")).to_have_attribute(
            "aria-disabled", "true"
        )
        await visit.page.get_by_role("button", name="Cancel").click()
    assert (await dropped.value).url.endswith("/v1/style")
    await expect(visit.page.locator("#announcer")).to_have_text("Cancelled.")
    await expect(visit.caption("paint")).to_have_text("harbour.jpg")
    await expect(visit.room("paint").get_by_role("button", name="Paint it")).to_be_focused()
    await visit.page.unroute("**/v1/style")
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()


async def test_the_photo_chosen_last_hangs_even_if_an_earlier_one_opens_later(
    visit: Any, photo: Path, turned_photo: Path
) -> None:
    await visit.open()
    await visit.page.evaluate(HOLD_FIRST_DECODE)
    await visit.page.locator("#paint [data-part=file]").set_input_files(turned_photo)
    await visit.hang("paint", photo)
    await visit.page.evaluate("window.letGo()")
    await expect(visit.page.locator("#announcer")).to_have_text("harbour.jpg hangs on the easel.")
    assert await visit.natural_size("paint", "picture") == [360, 240]


async def test_nothing_moves_when_the_styles_arrive(visit: Any) -> None:
    asked, arrive = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await arrive.wait()
        entry = {"title": "The Wave", "artist": "Hokusai", "year": "1831", "preview": "/mask.svg"}
        await route.fulfill(json={"styles": [{**entry, "name": f"wave-{n}"} for n in range(5)], "model": "m@v1"})

    async def places() -> list[Any]:
        return await visit.page.locator("#paint :is(.easel, .bench, .act, .blend, .field, .switch)").evaluate_all(
            PLACES
        )

    await visit.page.route("**/v1/styles", late)
    await visit.open()
    await asked.wait()
    waiting = await places()
    arrive.set()
    await expect(visit.page.get_by_role("radio")).to_have_count(5)
    assert await places() == waiting
    assert await visit.shifted() < 0.01


async def test_nothing_moves_from_the_empty_easel_to_the_painted_picture(visit: Any, photo: Path, answer: Any) -> None:
    async def places() -> list[Any]:
        return await visit.page.locator("#paint :is(.easel, .label, .bench, .act)").evaluate_all(PLACES)

    visit.failing_answers_expected = True
    await visit.open()
    await expect(visit.page.get_by_role("radio").first).to_be_visible()
    at_first = await places()
    await visit.hang("paint", photo)
    assert await places() == at_first
    await visit.page.route(
        "**/v1/style", answer(503, "unavailable", "The style model is restarting, please be patient.")
    )
    await visit.act("paint")
    await expect(visit.room("paint").get_by_role("alert")).to_be_visible()
    assert await places() == at_first
    await visit.page.unroute("**/v1/style")
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()
    assert await places() == at_first


async def test_a_result_that_opens_after_another_photo_was_hung_is_not_shown(
    visit: Any, photo: Path, turned_photo: Path
) -> None:
    await visit.open()
    await visit.hang("paint", turned_photo)
    await visit.page.evaluate(HOLD_FIRST_DECODE)
    await visit.act("paint")
    await expect(visit.page.locator("html[data-held]")).to_be_attached()
    await visit.hang("paint", photo)
    await visit.page.evaluate("window.letGo()")
    await expect(visit.room("paint").locator(".act")).to_have_attribute("aria-disabled", "false")
    await expect(visit.caption("paint")).to_have_text("harbour.jpg")
    await expect(visit.part("paint", "compare")).to_be_hidden()


async def test_a_sample_that_arrives_after_another_photo_was_chosen_is_not_hung(visit: Any, photo: Path) -> None:
    await visit.open()
    borrow = visit.room("paint").get_by_role("button", name="Borrow").first
    if not await borrow.is_visible():
        pytest.skip("this studio lends no samples")
    await visit.page.evaluate(HOLD_FIRST_FETCH)
    await borrow.click()
    await visit.hang("paint", photo)
    await visit.page.evaluate("window.letGo()")
    await expect(visit.caption("paint")).to_have_text("harbour.jpg")


async def test_the_style_picture_chosen_last_counts_even_if_an_earlier_one_opens_later(
    visit: Any, photo: Path, turned_photo: Path
) -> None:
    await visit.open()
    await visit.page.evaluate(HOLD_FIRST_DECODE)
    for chosen in (turned_photo, photo):
        await visit.part("paint", "ownFile").set_input_files(chosen)
    await expect(visit.part("paint", "ownTitle")).to_have_text("Like harbour.jpg")
    await visit.page.evaluate("window.letGo()")
    await expect(visit.part("paint", "ownTitle")).to_have_text("Like harbour.jpg")


async def test_names_in_any_script_stay_in_the_name_of_the_download(visit: Any, photo: Path, tmp_path: Path) -> None:
    file = tmp_path / "портрет naïve 你好.jpg"
    file.write_bytes(photo.read_bytes())
    await visit.open()
    await visit.hang("paint", file)
    await visit.act("paint")
    download = visit.page.get_by_role("link", name="Download")
    await expect(download).to_have_attribute("download", re.compile(r"портрет-naïve-你好-\w+\.jpg"))
