"""Connecting faces of two photos and swapping them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Locator, Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def seated(visit: Any, source: Path, target: Path) -> tuple[Locator, Locator]:
    """Both photos hung; the face buttons of source and target."""
    await visit.open("swap")
    await visit.hang("swap", source, 0)
    await visit.hang("swap", target, 1)
    faces = [visit.part("swap", seat).locator(".face") for seat in ("source", "target")]
    for found in faces:
        await expect(found.first).to_be_visible()
    return faces[0], faces[1]


async def test_tapped_faces_are_connected_and_swapped(visit: Any, portrait: Path, group: Path) -> None:
    source, target = await seated(visit, group, portrait)
    await expect(source).to_have_count(6)
    await source.nth(5).click()
    await target.first.click()
    await expect(target.first).to_have_accessible_name("Face 1: gets face 6")
    await expect(visit.page.locator(".thread")).to_have_count(1)
    await visit.act("swap")
    await expect(visit.part("swap", "compare")).to_be_visible()
    assert await visit.asked() == [("mapping", "5:0")]
    assert await visit.natural_size("swap", "after") == [280, 280]
    await expect(visit.page.get_by_role("link", name="Download")).to_have_attribute("download", "astronaut-swapped.jpg")


async def test_one_face_may_go_on_many_and_be_taken_back(visit: Any, portrait: Path, group: Path) -> None:
    _, target = await seated(visit, portrait, group)
    await visit.page.get_by_role("button", name="One for all").click()
    await expect(visit.page.locator(".thread")).to_have_count(6)
    await target.nth(2).click()
    await expect(target.nth(2)).to_have_accessible_name("Face 3: stays as it is")
    await visit.page.get_by_role("combobox", name="Face 5").select_option("stays")
    await visit.act("swap")
    await expect(visit.part("swap", "compare")).to_be_visible()
    assert await visit.asked() == [("mapping", "0:0,0:1,0:3,0:5")]


async def test_the_label_counts_what_changed_and_says_why_the_rest_did_not(visit: Any, group: Path) -> None:
    source, target = await seated(visit, group, group)
    await source.nth(1).click()
    await target.nth(1).click()
    await target.nth(5).click()
    await visit.act("swap")
    await expect(visit.part("swap", "compare")).to_be_visible()
    assert await visit.asked() == [("mapping", "1:1,1:5")]
    await expect(visit.room("swap")).to_contain_text("one new face, one stays · ")
    await expect(visit.part("swap", "hint")).to_have_text("Source and target are the same face of the same picture.")


async def test_where_faces_stay_for_different_reasons_each_reason_names_its_faces(
    visit: Any, portrait: Path, group: Path
) -> None:
    told = "face 0 stays: Turned away. | face 2 stays: Too small. | face 5 stays: Turned away."

    async def reasons(route: Any) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, headers=answer.headers | {"x-notes": told})

    await seated(visit, portrait, group)
    await visit.page.get_by_role("button", name="One for all").click()
    await visit.page.route("**/v1/swap", reasons)
    await visit.act("swap")
    await expect(visit.part("swap", "hint")).to_have_text("Faces 1, 6: Turned away. Face 3: Too small.")


async def test_faces_that_are_only_counted_are_counted(visit: Any, portrait: Path, group: Path) -> None:
    async def many(route: Any) -> None:
        answer = await route.fetch()
        await route.fulfill(
            response=answer, headers=answer.headers | {"x-notes": "face 0 stays: Turned away. | and 3 more"}
        )

    await seated(visit, portrait, group)
    await visit.page.get_by_role("button", name="One for all").click()
    await visit.page.route("**/v1/swap", many)
    await visit.act("swap")
    await expect(visit.room("swap")).to_contain_text("2 new faces, 4 stay · ")


async def test_faces_can_be_matched_in_order_or_not_at_all(visit: Any, group: Path) -> None:
    _, target = await seated(visit, group, group)
    await visit.page.get_by_role("button", name="In order").click()
    for index in range(6):
        await expect(target.nth(index)).to_have_accessible_name(f"Face {index + 1}: gets face {index + 1}")
    await visit.page.get_by_role("button", name="Nobody").click()
    await expect(visit.room("swap").get_by_role("button", name="Swap faces")).to_have_attribute("aria-disabled", "true")


async def test_people_far_in_the_background_lend_no_face_unless_they_are_tapped(
    visit: Any, portrait: Path, group: Path, tmp_path: Path
) -> None:
    with Image.open(portrait) as person, Image.open(group) as people:
        selfie = Image.new("RGB", (600, 300), (120, 120, 120))
        selfie.paste(people.crop((1040, 200, 1280, 560)).reduce(6), (40, 100))
        selfie.paste(person, (300, 10))
        selfie.save(tmp_path / "selfie.png")
    source, target = await seated(visit, tmp_path / "selfie.png", portrait)
    await expect(source).to_have_count(2)
    await expect(target.first).to_have_accessible_name("Face 1: gets face 2")
    await expect(source.nth(1)).to_have_attribute("aria-pressed", "true")
    await source.first.click()
    await target.first.click()
    await expect(target.first).to_have_accessible_name("Face 1: gets face 1")


async def test_two_single_faces_are_connected_without_asking(visit: Any, portrait: Path) -> None:
    _, target = await seated(visit, portrait, portrait)
    await expect(target.first).to_have_accessible_name("Face 1: gets face 1")


async def test_the_whole_swap_works_with_the_keyboard(visit: Any, portrait: Path, group: Path) -> None:
    source, target = await seated(visit, group, portrait)
    await source.nth(5).focus()
    await visit.page.keyboard.press("Enter")
    await expect(source.nth(5)).to_have_attribute("aria-pressed", "true")
    await target.first.focus()
    await visit.page.keyboard.press("Space")
    await expect(visit.page.get_by_role("combobox", name="Face 1")).to_have_value("5")
    await visit.room("swap").get_by_role("button", name="Swap faces").focus()
    await visit.page.keyboard.press("Enter")
    await expect(visit.part("swap", "compare")).to_be_visible()


async def test_choosing_from_the_cast_list_keeps_the_focus(visit: Any, portrait: Path, group: Path) -> None:
    await seated(visit, portrait, group)
    choice = visit.page.get_by_role("combobox", name="Face 4")
    await choice.focus()
    await choice.select_option("gets face 1")
    await expect(choice).to_be_focused()


async def test_a_result_leads_back_to_the_faces_or_on_to_painting(visit: Any, portrait: Path, group: Path) -> None:
    source, target = await seated(visit, group, portrait)
    await source.nth(5).click()
    await target.first.click()
    await visit.act("swap")
    await visit.page.get_by_role("button", name="Back to the faces").click()
    await expect(target.first).to_be_visible()
    await visit.act("swap")
    await visit.page.get_by_role("button", name="Paint it next").click()
    await expect(visit.room("paint")).to_be_visible()
    await expect(visit.caption("paint")).to_have_text("astronaut-swapped.jpg")


async def test_painting_is_offered_only_where_somebody_paints(visit: Any, portrait: Path, group: Path) -> None:
    ready = {"ready": True, "capabilities": {"style": "not installed: pull it"}}
    await visit.page.route("**/readyz", lambda route: route.fulfill(json=ready))
    source, target = await seated(visit, group, portrait)
    await source.nth(5).click()
    await target.first.click()
    await visit.act("swap")
    await expect(visit.page.get_by_role("button", name="Back to the faces")).to_be_visible()
    await expect(visit.page.get_by_role("button", name="Paint it next")).to_have_count(0)


async def test_a_target_that_is_hung_during_a_swap_is_veiled_until_its_faces_are_known(
    visit: Any, portrait: Path, group: Path
) -> None:
    found = asyncio.Event()

    async def late(route: Route) -> None:
        await found.wait()
        await route.continue_()

    await seated(visit, portrait, portrait)
    # Never answered.
    await visit.page.route("**/v1/swap", lambda route: None)
    await visit.page.route("**/v1/faces", late)
    await visit.act("swap")
    await visit.hang("swap", group, 1)
    await expect(visit.room("swap").locator("[data-part=cast]")).not_to_have_attribute("inert", "")
    easel = visit.part("swap", "target").locator(".easel")
    assert await easel.get_attribute("aria-busy") == "true"
    assert await easel.locator(".veil").is_visible()
    found.set()
    await expect(easel.locator(".face")).to_have_count(6)
    await expect(easel).to_have_attribute("aria-busy", "false")
    await expect(easel.locator(".veil")).to_be_hidden()


async def test_a_photo_without_faces_is_told_and_stays_told(visit: Any, photo: Path, portrait: Path) -> None:
    await visit.open("swap")
    await visit.hang("swap", photo, 0)
    problem = visit.room("swap").get_by_role("alert")
    await expect(problem).to_contain_text("Nobody in sight.")
    await visit.hang("swap", portrait, 1)
    await expect(visit.part("swap", "target").locator(".face")).to_have_count(1)
    await expect(problem).to_contain_text("Nobody in sight.")
    await expect(visit.part("swap", "hint")).to_have_text("We know of no face in the first picture.")


async def test_faces_of_both_photos_are_looked_for_again(visit: Any, portrait: Path, answer: Any) -> None:
    visit.failing_answers_expected = True
    await visit.page.route("**/v1/faces", answer(503, "unavailable", "The face model is restarting."))
    await visit.open("swap")
    for seat in (0, 1):
        await visit.hang("swap", portrait, seat)
    await expect(visit.part("swap", "hint")).to_have_text("We know of no face in the first picture.")
    await visit.page.unroute("**/v1/faces")
    await visit.part("swap", "retry").click()
    await expect(visit.page.locator(".thread")).to_have_count(1)


async def test_while_faces_are_swapped_nobody_changes_who_becomes_whom(visit: Any, portrait: Path, group: Path) -> None:
    await seated(visit, portrait, group)
    await visit.page.get_by_role("button", name="One for all").click()
    # Never answered.
    await visit.page.route("**/v1/swap", lambda route: None)
    await visit.act("swap")
    choice = visit.page.get_by_label("Face 5", exact=True)
    assert await choice.evaluate("(select) => select.closest('[inert]') !== null")
    await visit.room("swap").get_by_role("button", name="Cancel").click()
    await expect(visit.part("swap", "label")).to_contain_text("6 faces change")
    assert await choice.evaluate("(select) => select.closest('[inert]') === null")


async def test_a_photo_from_another_room_lends_its_faces(visit: Any, portrait: Path) -> None:
    await visit.open("paint")
    await visit.hang("paint", portrait)
    await visit.page.get_by_role("tab", name="Swap").click()
    await expect(visit.part("swap", "source").locator(".face")).to_have_count(1)


async def test_a_picture_on_its_way_to_a_seat_is_not_driven_out_by_one_from_another_room(
    visit: Any, photo: Path, portrait: Path
) -> None:
    await visit.lend_on_a_slow_line(portrait)
    await visit.open("swap")
    await visit.part("swap", "source").get_by_role("button", name="Borrow: Borrowed").click()
    await visit.page.get_by_role("tab", name="Paint").click()
    await visit.hang("paint", photo)
    await visit.page.get_by_role("tab", name="Swap").click()
    await visit.page.evaluate("window.letGo()")
    await expect(visit.part("swap", "source").locator("[data-part=picture]")).to_have_attribute("alt", "Borrowed")


async def test_names_written_from_right_to_left_do_not_turn_the_arrow_around(
    visit: Any, portrait: Path, tmp_path: Path
) -> None:
    for name in ("אבא", "אמא"):
        (tmp_path / f"{name}.jpg").write_bytes(portrait.read_bytes())
    await seated(visit, tmp_path / "אבא.jpg", tmp_path / "אמא.jpg")
    await expect(visit.caption("swap")).to_have_text("אבא → אמא")
    places = await visit.caption("swap").evaluate(
        """(title) => {
          const letters = document.createTreeWalker(title, NodeFilter.SHOW_TEXT);
          const places = {};
          while (letters.nextNode()) {
            [...letters.currentNode.data].forEach((letter, index) => {
              const range = document.createRange();
              range.setStart(letters.currentNode, index);
              range.setEnd(letters.currentNode, index + 1);
              places[letter] = range.getBoundingClientRect().x;
            });
          }
          return places;
        }"""
    )
    assert places["ב"] < places["→"] < places["מ"]
