"""A real browser in front of the page, which is that of the studio at ``MASQUERADE_URL``, or else of one of our own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, async_playwright, expect

from tests.chromium import CHROMIUM, FLAGS

URL = os.environ.get("MASQUERADE_URL")
DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
ANSWER_FAILED = "Failed to load resource"
# Sums up what moved without the person having done anything (Layout Instability API).
WATCH_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


# Browsers do not show a test the bodies of requests that carry files, so the page's own fields are noted as they leave.
NOTE_FIELDS = """
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (form) {
  window.asked = [...form].filter(([, value]) => typeof value === "string");
  return send.call(this, form);
};
"""

# The picture of a sample waits until it is told to come.
HOLD_SAMPLE = """
const plain = window.fetch;
window.fetch = async (address, options) => {
  if (String(address).endsWith("/v1/samples/one")) await new Promise((resolve) => (window.letGo = resolve));
  return plain(address, options);
};
"""


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> str:
    """The address of the page, without a slash at its end."""
    return (URL or request.getfixturevalue("studio_url")).rstrip("/")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here (Debian: apt install chromium)")
    # A real studio on a busy machine takes its time with the first picture.
    expect.set_options(timeout=20_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@dataclass
class Visit:
    """One person's visit to the page, and what the browser complained about meanwhile."""

    page: Page
    site: str
    complaints: list[str] = field(default_factory=list)
    failing_answers_expected: bool = False

    async def open(self, mode: str = "paint") -> None:
        await self.page.goto(f"{self.site}/#/{mode}")
        await self.page.locator("body.open").wait_for()
        if not await self.page.locator(f"#tab-{mode}").is_visible():
            pytest.skip(f"this studio has no model for the room {mode!r}")

    async def pretend_everything_is_offered(self) -> None:
        """For tests that answer in the service's place."""
        paths = {f"/v1/{call}": {} for call in ("style", "lookalike", "swap", "anonymize", "authenticity")}
        await self.page.route("**/openapi.json", lambda route: route.fulfill(json={"paths": paths}))
        await self.page.route("**/readyz", lambda route: route.fulfill(json={"ready": True, "capabilities": {}}))

    async def lend_on_a_slow_line(self, photo: Path) -> None:
        """Lend one photo, called Borrowed, which arrives once the page's ``letGo()`` is called."""
        sample = {"name": "one", "title": "Borrowed", "image": "/v1/samples/one"}
        await self.page.route("**/v1/samples", lambda route: route.fulfill(json={"samples": [sample]}))
        await self.page.route("**/v1/samples/one", lambda route: route.fulfill(path=photo))
        await self.page.add_init_script(HOLD_SAMPLE)

    def room(self, mode: str) -> Locator:
        return self.page.locator(f"#{mode}")

    def part(self, mode: str, name: str) -> Locator:
        """Visible named parts of a room, in the order of the page."""
        return self.page.locator(f"#{mode} [data-part={name}]:visible")

    async def hang(self, mode: str, photo: Path, seat: int = 0) -> None:
        """Choose a photo for a room; a swap has two seats."""
        await self.page.locator(f"#{mode} [data-part=file]").nth(seat).set_input_files(photo)
        picture = self.page.locator(f"#{mode} [data-part=picture]").nth(seat)
        await expect(picture).to_have_attribute("alt", photo.name)

    async def act(self, mode: str) -> None:
        """Press the room's button once it may be pressed."""
        await self.page.locator(f"#{mode} .act").click()

    async def asked(self) -> list[tuple[str, str]]:
        """The plain fields of the last form that left, in order."""
        return [(name, value) for name, value in await self.page.evaluate("window.asked")]

    def caption(self, mode: str) -> Locator:
        """The title on a room's wall label."""
        return self.page.locator(f"#{mode} .label-title:visible")

    async def natural_size(self, mode: str, part: str) -> list[int]:
        picture = self.page.locator(f"#{mode} [data-part={part}]:visible")
        return await picture.evaluate("async (i) => { await i.decode(); return [i.naturalWidth, i.naturalHeight] }")

    async def shifted(self) -> float:
        return float(await self.page.evaluate("window.shifted"))

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


async def _visit(context: BrowserContext, site: str) -> AsyncIterator[Visit]:
    await context.add_init_script(WATCH_SHIFTS)
    await context.add_init_script(NOTE_FIELDS)
    page = await context.new_page()
    page.set_default_timeout(20_000)
    visit = Visit(page, site)
    page.on("console", visit.hear)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    yield visit
    await context.close()
    told = [
        text for text in visit.complaints if not (visit.failing_answers_expected and text.startswith(ANSWER_FAILED))
    ]
    assert not told, "the browser complained"


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, site: str) -> AsyncIterator[Visit]:
    """A visit at a desk. It fails when the page wrote an error to the console."""
    async for visit in _visit(await browser.new_context(**DESK), site):
        yield visit


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, site: str) -> AsyncIterator[Visit]:
    """A visit on a phone, 390 points wide."""
    async for visit in _visit(await browser.new_context(**PHONE), site):
        yield visit


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn photo, 360 x 240, nobody on it."""
    file = tmp_path_factory.mktemp("photos") / "harbour.jpg"
    gradient = Image.linear_gradient("L").resize((360, 240))
    Image.merge("RGB", (gradient, gradient.rotate(180), gradient.transpose(Image.Transpose.FLIP_LEFT_RIGHT))).save(file)
    return file


@pytest.fixture(scope="session")
def turned_photo(photo: Path) -> Path:
    """The same photo as a phone held upright stores it: 240 x 360 to a person."""
    file = photo.with_name("upright.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(photo) as picture:
        picture.save(file, exif=exif)
    return file


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One person looking into the camera, 280 x 280."""
    data = pytest.importorskip("skimage").__file__
    file = tmp_path_factory.mktemp("portrait") / "astronaut.jpg"
    with Image.open(Path(data).parent / "data" / "astronaut.png") as picture:
        picture.crop((90, 0, 370, 280)).save(file, quality=95)
    return file


@pytest.fixture(scope="session")
def group() -> Path:
    """Six people around a table."""
    return Path(pytest.importorskip("insightface").__file__).parent / "data" / "images" / "t1.jpg"


@pytest.fixture
def answer() -> Any:
    """Builds a route handler that answers with a problem document."""

    def build(status: int, slug: str, detail: str, retry_after: int | None = None) -> Any:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        body = {"type": f"urn:masquerade:problem:{slug}", "title": slug, "status": status, "detail": detail}

        async def handle(route: Any) -> None:
            await route.fulfill(status=status, json=body, content_type="application/problem+json", headers=headers)

        return handle

    return build
