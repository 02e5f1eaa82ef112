"""Masks, the question whether it is real, and the ways between the rooms."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_long_credit_has_lines_of_its_own_below_a_kept_pair(visit: Any) -> None:
    await visit.open()
    heights = await visit.page.evaluate(
        """async () => {
          const { collage } = await import("/js/collage.js");
          const face = document.createElement("canvas");
          const double = new Image();
          double.src = face.toDataURL();
          await double.decode();
          const heightWith = async (attribution) => {
            const blob = await collage(face, double, { name: "Ada", percent: "50 %", attribution });
            return (await createImageBitmap(blob)).height;
          };
          return [await heightWith(""), await heightWith("Somebody, CC0"), await heightWith("a word ".repeat(40))];
        }"""
    )
    assert heights[0] == heights[1] < heights[2]


async def test_faces_tapped_to_be_seen_are_kept_and_the_others_hidden(visit: Any, group: Path) -> None:
    await visit.open("hide")
    await visit.hang("hide", group)
    faces = visit.part("hide", "faces").get_by_role("button")
    await expect(faces).to_have_count(6)
    await faces.nth(4).click()
    await faces.nth(1).click()
    await faces.nth(2).click()
    await faces.nth(2).click()
    await expect(faces.nth(1)).to_have_accessible_name("Face 2: stays visible")
    await expect(faces.nth(2)).to_have_accessible_name("Face 3: will be hidden")
    await visit.page.get_by_role("radio", name="Pixelate").check(force=True)
    await visit.act("hide")
    await expect(visit.part("hide", "compare")).to_be_visible()
    assert await visit.asked() == [("method", "pixelate"), ("keep", "1,4")]
    await visit.page.get_by_role("button", name="Back to the faces").click()
    await expect(faces.nth(1)).to_have_attribute("aria-pressed", "true")


async def test_a_face_that_is_covered_after_a_failure_is_hidden_when_it_is_tried_again(
    visit: Any, portrait: Path, answer: Any
) -> None:
    visit.failing_answers_expected = True
    await visit.page.route("**/v1/anonymize", answer(503, "unavailable", "The face model is restarting."))
    await visit.open("hide")
    await visit.hang("hide", portrait)
    face = visit.part("hide", "faces").get_by_role("button")
    await face.click()
    await expect(face).to_have_accessible_name("Face 1: stays visible")
    await visit.act("hide")
    await expect(visit.part("hide", "retry")).to_be_visible()
    await face.click()
    await expect(face).to_have_accessible_name("Face 1: will be hidden")
    await visit.page.unroute("**/v1/anonymize")
    await visit.part("hide", "retry").click()
    await expect(visit.part("hide", "compare")).to_be_visible()
    assert await visit.asked() == [("method", "blur")]


async def test_while_faces_are_hidden_nobody_chooses_who_is_seen(visit: Any, portrait: Path) -> None:
    # Never answered.
    await visit.page.route("**/v1/anonymize", lambda route: None)
    await visit.open("hide")
    await visit.hang("hide", portrait)
    face = visit.page.locator("#hide .face")
    await expect(face).to_have_count(1)
    await visit.act("hide")
    cancel = visit.room("hide").get_by_role("button", name="Cancel")
    await expect(cancel).to_be_visible()
    assert await face.evaluate("(face) => face.closest('[inert]') !== null")
    await cancel.click()
    await face.click()
    await expect(face).to_have_accessible_name("Face 1: stays visible")


async def test_a_tap_among_small_faces_is_for_the_nearest(visit: Any, group: Path, tmp_path: Path) -> None:
    with Image.open(group) as people:
        small = people.reduce(3)
        hall = Image.new("RGB", (1800, 1200), (120, 120, 120))
        for place, (left, top) in enumerate([(16, 80), (89, 40), (155, 81)]):
            hall.paste(small.crop((left, top, left + 40, top + 60)), (800 + 40 * place, 560))
        hall.save(tmp_path / "hall.png")
    await visit.open("hide")
    await visit.hang("hide", tmp_path / "hall.png")
    faces = visit.part("hide", "faces").get_by_role("button")
    await expect(faces).to_have_count(3)
    boxes = [await faces.nth(index).bounding_box() for index in range(3)]
    assert max(later["x"] - box["x"] for box, later in pairwise(boxes)) < 22, "each has another's area over its middle"
    for index, box in enumerate(boxes):
        await visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await expect(faces.nth(index)).to_have_accessible_name(f"Face {index + 1}: stays visible")
    await faces.nth(2).focus()
    await visit.page.keyboard.press("Enter")
    await expect(faces.nth(2)).to_have_accessible_name("Face 3: will be hidden")


async def test_hiding_everyone_works_where_faces_cannot_be_shown_beforehand(
    visit: Any, group: Path, answer: Any
) -> None:
    visit.failing_answers_expected = True
    await visit.page.route("**/v1/faces", answer(503, "unavailable", "The face model is restarting."))
    await visit.open("hide")
    await visit.hang("hide", group)
    await expect(visit.part("hide", "hint")).to_contain_text("You can still hide everyone.")
    await visit.act("hide")
    await expect(visit.part("hide", "compare")).to_be_visible()
    assert await visit.asked() == [("method", "blur")]
    await visit.page.unroute("**/v1/faces")
    await visit.page.get_by_role("button", name="Look again").click()
    await visit.page.get_by_role("button", name="Back to the faces").click()
    await expect(visit.part("hide", "faces").get_by_role("button")).to_have_count(6)


@pytest.mark.parametrize(
    ("status", "slug"), [(413, "too-large"), (415, "not-an-image"), (422, "undecodable"), (451, "refused")]
)
async def test_a_picture_that_is_refused_promises_nobody_to_be_hidden(
    visit: Any, group: Path, answer: Any, status: int, slug: str
) -> None:
    visit.failing_answers_expected = True
    await visit.page.route("**/v1/faces", answer(status, slug, "This picture will not do."))
    await visit.open("hide")
    await visit.hang("hide", group)
    await expect(visit.room("hide").get_by_role("alert")).to_contain_text("This picture will not do.")
    await expect(visit.part("hide", "hint")).not_to_contain_text("hide everyone")


async def test_a_result_says_how_to_get_back_to_the_faces_behind_it(visit: Any, portrait: Path) -> None:
    await visit.open("hide")
    await visit.hang("hide", portrait)
    hint = visit.part("hide", "hint")
    await expect(hint).to_have_text("Everyone gets a mask. Tap a face to let it be seen.")
    await visit.act("hide")
    await expect(hint).to_have_text("To let a face be seen, go back to the faces.")
    await visit.page.get_by_role("button", name="Back to the faces").click()
    await expect(hint).to_have_text("Everyone gets a mask. Tap a face to let it be seen.")


@pytest.mark.parametrize("width", [920, 960, 1280, 1366])
async def test_the_label_keeps_its_height_whatever_it_says(visit: Any, portrait: Path, width: int) -> None:
    await visit.page.set_viewport_size({"width": width, "height": 800})
    await visit.open("hide")
    label = visit.room("hide").locator(".label")

    async def height() -> float:
        return float(await label.evaluate("(label) => label.getBoundingClientRect().height"))

    empty = await height()
    await visit.hang("hide", portrait)
    assert await height() == empty
    await expect(visit.part("hide", "faces").get_by_role("button")).to_have_count(1)
    await visit.act("hide")
    await expect(visit.page.get_by_role("button", name="Back to the faces")).to_be_visible()
    assert await height() == empty


@pytest.mark.parametrize(
    ("verdict", "probability", "words"),
    [
        ("real", 0.07, "Looks like a photograph."),
        ("unsure", 0.5, "We can’t tell."),
        ("ai", 0.93, "Looks machine-made."),
    ],
)
async def test_a_verdict_is_an_opinion_with_a_number(
    visit: Any, photo: Path, verdict: str, probability: float, words: str
) -> None:
    async def opinion(route: Route) -> None:
        await route.fulfill(
            json={"verdict": verdict, "probability_ai": probability, "unsure": [0.3, 0.7], "model": "m@v1"}
        )

    await visit.page.route("**/v1/authenticity", opinion)
    await visit.pretend_everything_is_offered()
    await visit.open("real")
    await visit.hang("real", photo)
    await visit.act("real")
    dial = visit.part("real", "gauge")
    await expect(dial).to_contain_text(words)
    await expect(dial).to_contain_text(f"Chance of a machine: {round(probability * 100)} %.")
    await expect(dial.locator(".band")).to_have_count(3)
    # Asked once more and taken back: the label and the dial go on saying the same.
    await visit.page.unroute("**/v1/authenticity")
    await visit.page.route("**/v1/authenticity", lambda route: asyncio.sleep(0))
    await visit.act("real")
    await visit.page.get_by_role("button", name="Cancel").click()
    await expect(visit.part("real", "line")).to_contain_text(words)
    await expect(dial).to_contain_text(words)


async def test_rooms_the_service_does_not_offer_are_not_shown(visit: Any) -> None:
    paths = {"/v1/style": {}, "/v1/swap": {}, "/v1/lookalike": {}}
    ready = {
        "ready": True,
        "capabilities": {"style": "ready", "swap": "not installed: pull it", "lookalike": "loading"},
    }
    await visit.page.route("**/openapi.json", lambda route: route.fulfill(json={"paths": paths}))
    await visit.page.route("**/readyz", lambda route: route.fulfill(json=ready))
    await visit.page.goto(f"{visit.site}/#/swap")
    await expect(visit.page.get_by_role("tab")).to_have_text(["Paint", "Look alike"])
    await expect(visit.room("paint")).to_be_visible()
    await expect(visit.room("swap")).to_be_hidden()


async def test_the_studio_opens_with_all_its_rooms_where_nobody_says_which_are_empty(visit: Any) -> None:
    # Never answered.
    await visit.page.route("**/readyz", lambda route: None)
    await visit.page.goto(visit.site)
    await expect(visit.room("paint")).to_be_visible()
    await expect(visit.page.get_by_role("tab")).to_have_count(5)
    await expect(visit.page.get_by_text("This page has not arrived whole yet.")).to_have_count(0)


@pytest.mark.parametrize("silent", ["openapi.json", "v1/samples"])
async def test_the_studio_opens_where_one_of_its_questions_is_never_answered(visit: Any, silent: str) -> None:
    await visit.page.route(f"**/{silent}", lambda route: None)
    await visit.page.goto(visit.site)
    await expect(visit.room("paint")).to_be_visible()


async def test_a_borrowed_picture_that_is_on_its_way_is_seen_and_heard(visit: Any, portrait: Path) -> None:
    await visit.lend_on_a_slow_line(portrait)
    await visit.open()
    await visit.room("paint").get_by_role("button", name="Borrow: Borrowed").click()
    picker = visit.part("paint", "picker")
    await expect(picker).to_contain_text("Fetching Borrowed …")
    await expect(picker).to_have_attribute("aria-busy", "true")
    await expect(visit.page.locator("#announcer")).to_have_text("Fetching Borrowed …")
    await visit.page.evaluate("window.letGo()")
    await expect(visit.caption("paint")).to_have_text("Borrowed")


async def test_a_borrowed_picture_that_never_comes_is_given_up(visit: Any, portrait: Path) -> None:
    await visit.lend_on_a_slow_line(portrait)
    await visit.page.clock.install()
    await visit.open()
    # Never answered.
    await visit.page.evaluate(
        """() => {
          window.fetch = (_, { signal }) => new Promise((__, reject) => {
            signal?.addEventListener("abort", () => reject(signal.reason));
          });
        }"""
    )
    await visit.room("paint").get_by_role("button", name="Borrow: Borrowed").click()
    await visit.page.clock.fast_forward(21_000)
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("Nobody answers.")
    await expect(visit.part("paint", "picker")).to_contain_text("Hang a picture here")


async def test_an_address_leads_into_its_room(visit: Any) -> None:
    await visit.open("hide")
    await expect(visit.page.get_by_role("tab", name="Hide faces")).to_have_attribute("aria-selected", "true")
    await expect(visit.room("hide")).to_be_visible()


async def test_faces_that_are_found_after_the_result_wait_behind_it(visit: Any, group: Path) -> None:
    found = asyncio.Event()

    async def late(route: Route) -> None:
        await found.wait()
        await route.continue_()

    await visit.page.route("**/v1/faces", late)
    await visit.open("hide")
    await visit.hang("hide", group)
    await visit.act("hide")
    await expect(visit.part("hide", "compare")).to_be_visible()
    found.set()
    await expect(visit.part("hide", "hint")).to_contain_text("go back to the faces")
    await expect(visit.part("hide", "faces")).to_be_hidden()
    await visit.page.get_by_role("button", name="Back to the faces").click()
    await expect(visit.part("hide", "faces")).to_be_visible()


async def test_a_studio_without_any_model_says_so(visit: Any) -> None:
    visit.failing_answers_expected = True
    absent = dict.fromkeys(("style", "lookalike", "swap", "anonymize", "authenticity"), "not installed: pull it")
    # While something else is not ready, too.
    ready = {"ready": False, "capabilities": {"moderation": "loading", **absent}}
    await visit.page.route("**/readyz", lambda route: route.fulfill(status=503, json=ready))
    await visit.page.goto(visit.site)
    await expect(visit.page.get_by_role("link", name="See what is missing")).to_be_visible()
    await expect(visit.page.get_by_role("tab")).to_have_count(0)


async def test_going_back_leads_to_the_last_room_with_the_photo_where_it_was(visit: Any, photo: Path) -> None:
    await visit.open()
    await visit.hang("paint", photo)
    await visit.page.get_by_role("tab", name="Hide faces").click()
    await expect(visit.room("hide")).to_be_visible()
    await visit.page.go_back()
    await expect(visit.room("paint")).to_be_visible()
    await expect(visit.page.get_by_role("tab", name="Paint")).to_have_attribute("aria-selected", "true")
    await expect(visit.part("paint", "picture")).to_have_attribute("alt", "harbour.jpg")
    await visit.page.go_forward()
    await expect(visit.room("hide")).to_be_visible()


async def test_what_is_chosen_last_hangs_whichever_room_it_is_chosen_in(
    visit: Any, photo: Path, portrait: Path
) -> None:
    await visit.lend_on_a_slow_line(portrait)
    await visit.open()
    await visit.room("paint").get_by_role("button", name="Borrow: Borrowed").click()
    await visit.page.get_by_role("tab", name="Hide faces").click()
    await visit.hang("hide", photo)
    await visit.page.evaluate(
        """() => new Promise((opened) => {
          const { decode } = HTMLImageElement.prototype;
          HTMLImageElement.prototype.decode = function () {
            const opening = decode.call(this);
            opened(opening);
            return opening;
          };
          window.letGo();
        })"""
    )
    await expect(visit.caption("hide")).to_have_text("harbour.jpg")
    await visit.page.get_by_role("tab", name="Paint").click()
    await expect(visit.caption("paint")).to_have_text("harbour.jpg")


async def test_how_many_faces_can_be_hidden_is_announced(visit: Any, group: Path) -> None:
    await visit.open("hide")
    await visit.hang("hide", group)
    await expect(visit.page.locator("#announcer")).to_contain_text("6 faces found.")


async def test_the_tools_do_not_move_sideways(visit: Any) -> None:
    await visit.open()
    # WebKit counts the slider's handle, which stands on its corner and reaches over the end of its track.
    handle = "(tools) => { tools.append(Object.assign(document.createElement('b'), { className: 'wide' })); }"
    tools = visit.room("paint").locator(".tools")
    await tools.evaluate(handle)
    await visit.page.evaluate(
        "new CSSStyleSheet().replace('.wide { inline-size: 30rem }').then((s) => document.adoptedStyleSheets.push(s))"
    )
    await expect(tools.locator(".wide")).to_have_css("width", "480px")
    await tools.hover()
    await visit.page.mouse.wheel(60, 0)
    assert await tools.evaluate("(tools) => tools.offsetHeight - tools.clientHeight") == 0
    assert await tools.evaluate("(tools) => tools.scrollLeft") == 0
