"""A studio that is not open to everybody asks for a key, once, and goes on with what it was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

KEY = "mq_0123456789ab_" + "k" * 43
REFUSAL = {"type": "urn:masquerade:problem:unauthorized", "title": "Unauthorized", "status": 401, "detail": "A key."}


async def lock(visit: Any) -> list[str | None]:
    """Shut the studio; returns what was shown at its door, call by call."""
    shown: list[str | None] = []

    async def guard(route: Route) -> None:
        shown.append(route.request.headers.get("authorization"))
        if shown[-1] == f"Bearer {KEY}":
            # The studio behind the door is open, and knows no such key.
            inside = {name: value for name, value in route.request.headers.items() if name != "authorization"}
            await route.continue_(headers=inside)
        else:
            await route.fulfill(status=401, json=REFUSAL, content_type="application/problem+json")

    await visit.page.route("**/v1/style", guard)
    visit.failing_answers_expected = True
    return shown


async def test_a_key_is_asked_for_and_the_work_goes_on(visit: Any, photo: Path) -> None:
    shown = await lock(visit)
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    dialog = visit.page.get_by_role("dialog", name="This studio asks for a key")
    await dialog.get_by_label("Key").fill("wrong")
    async with visit.page.expect_response("**/v1/style"):
        await dialog.get_by_role("button", name="Go on").click()
    # Asked again, with the reason and an empty field.
    await expect(dialog.get_by_role("alert")).to_have_text("A key.")
    await expect(dialog.get_by_label("Key")).to_have_value("")
    # No header can carry it.
    await dialog.get_by_label("Key").fill("ключ")
    await dialog.get_by_role("button", name="Go on").click()
    await expect(dialog.get_by_label("Key")).to_have_value("ключ")
    await dialog.get_by_label("Key").fill(f" {KEY} ")
    await dialog.get_by_role("button", name="Go on").click()
    await expect(visit.part("paint", "compare")).to_be_visible()
    assert shown == [None, "Bearer wrong", f"Bearer {KEY}"]


async def test_whoever_has_no_key_is_told_so(visit: Any, photo: Path) -> None:
    await lock(visit)
    await visit.open()
    await visit.hang("paint", photo)
    await visit.act("paint")
    await visit.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await expect(visit.room("paint").get_by_role("alert")).to_contain_text("It opens with a key")
