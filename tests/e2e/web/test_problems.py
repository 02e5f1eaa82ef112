"""What the page says when it cannot be done."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

DROP = """
(wall, { name, data }) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  wall.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}
"""
DRAG_OVER = """
(wall, what) => {
  const dataTransfer = new DataTransfer();
  if (what === "text") dataTransfer.items.add("words", "text/plain");
  else dataTransfer.items.add(new File([], "a.jpg"));
  wall.dispatchEvent(new DragEvent("dragenter", { dataTransfer, bubbles: true, cancelable: true }));
}
"""
PASTE = """
({ data, name = "image.png", type = "image/jpeg" }) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}
"""


def encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


async def test_a_gif_that_calls_itself_jpeg_is_refused_in_words(visit: Any, tmp_path: Path) -> None:
    file = tmp_path / "dance.jpg"
    Image.new("P", (40, 30)).save(file, "GIF")
    visit.failing_answers_expected = True
    await visit.open()
    await visit.hang("paint", file)
    await visit.act("paint")
    alert = visit.room("paint").get_by_role("alert")
    await expect(alert).to_contain_text("We can’t hang that.")
    await expect(visit.room("paint").get_by_role("button", name="Try again")).to_be_hidden()


async def test_a_file_over_the_limit_is_refused_in_words(visit: Any, photo: Path, tmp_path: Path) -> None:
    file = tmp_path / "huge.jpg"
    # Noise after the end of the picture: the browser shows it, the service counts it.
    file.write_bytes(photo.read_bytes() + os.urandom(21 * 2**20))
    visit.failing_answers_expected = True
    await visit.open()
    await visit.hang("paint", file)
    await visit.act("paint")
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("too big for our door")


async def test_a_text_file_never_leaves_the_device(visit: Any, photo: Path, tmp_path: Path) -> None:
    file = tmp_path / "letter.jpg"
    file.write_text("Dear studio")
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.locator("#paint [data-part=file]").set_input_files(file)
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("doesn’t open as a picture")
    await expect(visit.part("paint", "picture")).to_have_attribute("alt", "harbour.jpg")


async def test_a_photo_as_iphones_write_it_is_refused_by_its_name(visit: Any) -> None:
    photo = {"name": "IMG_2231.HEIC", "mimeType": "image/heic", "buffer": b"\0\0\0\x18ftypheic"}
    await visit.open()
    await visit.page.locator("#paint [data-part=file]").set_input_files(photo)
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("It is a HEIC photo")


async def test_a_full_studio_counts_down_until_trying_again_helps(visit: Any, photo: Path, answer: Any) -> None:
    visit.failing_answers_expected = True
    await visit.page.clock.install()
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.route("**/v1/style", answer(429, "busy", "Too many people are using styles right now.", 3))
    await visit.act("paint")
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text(
        "Too many people are using styles right now."
    )
    again = visit.part("paint", "retry")
    await expect(again).to_have_text("Try again in 3 s")
    await expect(again).to_be_disabled()
    await visit.page.clock.fast_forward(2000)
    await expect(again).to_have_text("Try again in 1 s")
    await visit.page.clock.fast_forward(1500)
    await expect(again).to_have_text("Try again")
    await expect(again).to_be_enabled()
    await visit.page.unroute("**/v1/style")
    await again.click()
    await expect(visit.part("paint", "compare")).to_be_visible()


async def test_trying_again_asks_for_what_has_been_chosen_since(visit: Any, photo: Path, answer: Any) -> None:
    visit.failing_answers_expected = True
    await visit.page.route("**/v1/style", answer(503, "unavailable", "The style model is restarting."))
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    again = visit.part("paint", "retry")
    await expect(again).to_be_visible()
    await visit.page.get_by_role("slider", name="Strength").fill("40")
    await visit.page.get_by_role("radio").nth(1).click()
    chosen = await visit.page.get_by_role("radio").nth(1).get_attribute("title")
    await visit.page.unroute("**/v1/style")
    await again.click()
    await expect(visit.part("paint", "compare")).to_be_visible()
    assert ("strength", "0.4") in await visit.asked()
    await expect(visit.part("paint", "line")).to_contain_text(chosen.split(",")[0])


async def test_a_problem_is_told_with_the_services_own_sentence(visit: Any, photo: Path, answer: Any) -> None:
    visit.failing_answers_expected = True
    await visit.open()
    await visit.hang("paint", photo)
    for status, slug, detail, headline, again in (
        (451, "refused", "This picture breaks our rule on weapons.", "We’d rather not.", False),
        (503, "unavailable", "The style model is restarting.", "The studio is setting up.", True),
        (422, "undecodable", "The picture ends too early.", "This picture is torn.", False),
        (422, "no-face", "No face was found in the photo.", "Nobody in sight.", False),
        (404, "unknown-style", "There is no style 'x'.", "That painter has left.", False),
        (500, "internal", "This is our fault, not yours.", "We dropped the brush.", True),
        (418, "teapot", "Short and stout.", "Something in the request isn’t right.", False),
    ):
        await visit.page.route("**/v1/style", answer(status, slug, detail))
        await visit.act("paint")
        alert = visit.room("paint").get_by_role("alert")
        await expect(alert).to_contain_text(headline)
        await expect(alert).to_contain_text(detail)
        await expect(visit.part("paint", "retry")).to_be_visible(visible=again)


async def test_an_answer_of_a_proxy_in_between_still_has_words(visit: Any, photo: Path) -> None:
    async def bad_gateway(route: Route) -> None:
        await route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")

    visit.failing_answers_expected = True
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.route("**/v1/style", bad_gateway)
    await visit.act("paint")
    alert = visit.room("paint").get_by_role("alert")
    await expect(alert).to_contain_text("The studio is setting up.")
    await expect(alert).not_to_contain_text("Gateway")


async def test_a_lost_connection_is_told_and_can_be_tried_again(visit: Any, photo: Path) -> None:
    visit.failing_answers_expected = True
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.context.set_offline(True)
    await visit.act("paint")
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("Nobody answers.")
    await visit.page.context.set_offline(False)
    await visit.page.get_by_role("button", name="Try again").click()
    await expect(visit.part("paint", "compare")).to_be_visible()


async def test_missing_styles_are_told_and_can_be_looked_for_again(visit: Any, answer: Any) -> None:
    visit.failing_answers_expected = True
    await visit.page.route("**/v1/styles", answer(503, "unavailable", "The style model is restarting.", 5))
    await visit.open()
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("The style model is restarting.")
    await visit.page.unroute("**/v1/styles")
    await visit.page.get_by_role("button", name="Look again").click()
    await expect(visit.page.get_by_role("radio").first).to_be_visible()


async def test_a_dropped_photo_is_hung(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.part("paint", "wall").evaluate(DROP, {"name": "dropped.jpg", "data": encoded(photo)})
    await expect(visit.part("paint", "picture")).to_have_attribute("alt", "dropped.jpg")


async def test_a_pasted_photo_is_hung_in_the_open_room(visit: Any, photo: Path) -> None:
    await visit.open("hide")
    await visit.page.evaluate(PASTE, {"data": encoded(photo)})
    await expect(visit.part("hide", "picture")).to_have_attribute("alt", "image.png")


async def test_two_pictures_that_are_pasted_at_once_take_a_seat_each(visit: Any, photo: Path, portrait: Path) -> None:
    await visit.open("swap")
    pasted = [{"data": encoded(file), "name": file.name} for file in (portrait, photo)]
    await visit.page.evaluate(f"(both) => both.forEach({PASTE})", pasted)
    pictures = visit.room("swap").locator("[data-part=duo] [data-part=picture]:visible")
    await expect(pictures).to_have_count(2)
    assert [await picture.get_attribute("alt") for picture in await pictures.all()] == ["astronaut.jpg", "harbour.jpg"]


async def test_text_that_is_dragged_over_the_easel_is_not_invited(visit: Any) -> None:
    await visit.open()
    wall = visit.part("paint", "wall")
    for what, hovered in (("text", False), ("file", True)):
        await wall.evaluate(DRAG_OVER, what)
        assert ("hovered" in (await wall.get_attribute("class") or "").split()) is hovered


async def test_a_problem_that_is_waved_away_gives_the_result_back(visit: Any, photo: Path, tmp_path: Path) -> None:
    file = tmp_path / "letter.jpg"
    file.write_text("Dear studio")
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    download = visit.page.get_by_role("link", name="Download")
    await expect(download).to_be_visible()
    await visit.page.locator("#paint [data-part=file]").set_input_files(file)
    await expect(visit.room("paint").get_by_role("alert")).to_be_visible()
    await visit.page.get_by_role("button", name="Never mind").click()
    await expect(download).to_be_visible()
    await expect(visit.room("paint").get_by_role("alert")).to_be_hidden()


async def test_pressing_the_button_without_a_photo_leads_to_choosing_one(visit: Any) -> None:
    await visit.open()
    await visit.room("paint").get_by_role("button", name="Paint it").click(force=True)
    await expect(visit.room("paint").get_by_role("button", name="Choose a photo")).to_be_focused()


async def test_a_pasted_file_that_is_no_picture_is_refused_in_words(visit: Any) -> None:
    await visit.open()
    letter = {"data": base64.b64encode(b"Dear studio").decode(), "name": "letter.pdf", "type": "application/pdf"}
    await visit.page.evaluate(PASTE, letter)
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("doesn’t open as a picture")


async def test_a_file_that_is_changed_after_it_was_chosen_is_sent_as_it_was_seen(
    visit: Any, photo: Path, turned_photo: Path, tmp_path: Path
) -> None:
    file = tmp_path / "edited.jpg"
    file.write_bytes(photo.read_bytes())
    await visit.open()
    await visit.hang("paint", file)
    file.write_bytes(turned_photo.read_bytes())
    await visit.act("paint")
    await expect(visit.part("paint", "compare")).to_be_visible()
    assert await visit.natural_size("paint", "after") == [360, 240]


async def test_a_browser_that_stores_nothing_shows_the_studio_all_the_same(visit: Any) -> None:
    await visit.page.add_init_script(
        """Object.defineProperty(window, "sessionStorage", {
          get() { throw new DOMException("The document is sandboxed or its data is blocked.", "SecurityError") },
        })"""
    )
    await visit.open()
    await expect(visit.page.get_by_role("radio").first).to_be_visible()


async def test_a_connection_lost_in_the_middle_of_an_answer_is_told_as_that(visit: Any) -> None:
    await visit.page.add_init_script(
        """const plain = window.fetch;
        window.fetch = async (address, options) => {
          if (!String(address).endsWith("/v1/styles")) return plain(address, options);
          let parts = 0;
          return new Response(new ReadableStream({
            pull(answer) {
              if (parts++) answer.error(new TypeError("network error"));
              else answer.enqueue(new TextEncoder().encode('{"styles": ['));
            },
          }));
        };"""
    )
    await visit.open()
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("Nobody answers.")


async def test_whoever_goes_offline_is_told_at_once(visit: Any, photo: Path) -> None:
    visit.failing_answers_expected = True
    await visit.open()
    await visit.hang("paint", photo)
    # A network that is lost without a word: the request neither ends nor fails.
    asked = asyncio.Event()

    async def swallow(_: Route) -> None:
        asked.set()

    await visit.page.route("**/v1/style", swallow)
    await visit.act("paint")
    await asyncio.wait_for(asked.wait(), 20)
    await visit.page.context.set_offline(True)
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("Nobody answers.")
    await visit.page.context.set_offline(False)
    await visit.page.unroute("**/v1/style")
    await visit.part("paint", "retry").click()
    await expect(visit.part("paint", "compare")).to_be_visible()


async def test_silence_is_waited_out_only_while_the_studio_is_there(visit: Any, photo: Path) -> None:
    visit.failing_answers_expected = True
    there = True
    probes: asyncio.Queue[bool] = asyncio.Queue()

    async def probed(route: Route) -> None:
        await (route.fulfill(json={}) if there else route.abort())
        probes.put_nowait(there)

    await visit.page.clock.install()
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.route("**/v1/style", lambda route: None)
    await visit.page.route("**/healthz", probed)
    await visit.act("paint")
    label = visit.room("paint").locator("[data-part=label]")
    await expect(label).to_have_attribute("data-state", "work")
    for _ in range(3):
        async with visit.page.expect_response("**/healthz"):
            await visit.page.clock.fast_forward(11_000)
    assert await label.get_attribute("data-state") == "work"
    there = False
    await visit.page.clock.fast_forward(11_000)
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("Nobody answers.")
    assert [probes.get_nowait() for _ in range(4)] == [True, True, True, False]


async def test_a_request_that_moved_on_outlives_a_question_from_its_silence(visit: Any) -> None:
    await visit.page.clock.install()
    await visit.open()
    await visit.page.evaluate(
        """async () => {
          const { lifeline } = await import("/js/lifeline.js");
          window.fetch = () => new Promise((_, fail) => (window.fail = () => fail(new TypeError("no answer"))));
          window.told = "nothing";
          window.line = lifeline("/healthz", () => (window.told = "lost"));
        }"""
    )
    await visit.page.clock.fast_forward(10_000)
    await visit.page.evaluate("() => { window.line.stir(); window.fail(); }")
    assert await visit.page.evaluate("window.told") == "nothing"
    await visit.page.clock.fast_forward(10_000)
    await visit.page.evaluate("window.fail()")
    assert await visit.page.evaluate("window.told") == "lost"


@pytest.mark.parametrize(
    ("page", "module"),
    [("", "gauge"), ("models.html", "memory"), ("status.html", "memory")],
    ids=["studio", "models", "status"],
)
async def test_a_page_that_has_not_arrived_whole_says_what_to_do(visit: Any, page: str, module: str) -> None:
    visit.failing_answers_expected = True
    advice = visit.page.get_by_text("This page has not arrived whole yet.")
    await visit.page.route(f"**/js/{module}.js", lambda route: route.abort())
    await visit.page.goto(f"{visit.site}/{page}")
    await expect(advice).to_be_hidden()
    await expect(advice).to_be_visible()
    await visit.page.unroute(f"**/js/{module}.js")
    await visit.page.reload()
    await expect(advice).to_have_count(0)
