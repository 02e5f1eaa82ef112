"""A process of its own: a real studio with a real bot beside it, and guests who try everything; prints JSON lines.

    python -m drills.bot.visit FOLDER

``FOLDER`` gets pictures of the chats where there is a Chromium. ``MASQUERADE_MODELS_DIR`` holds the starter models.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal

import yaml
from pydantic import SecretStr

from benchmarks.ports import free_port
from bot.accounts.licences import conflicts
from bot.accounts.tariff import Tariff
from bot.playground.host import Playground
from bot.playground.telegram.model import BotProfile
from bot.presentation.translations import Translations
from bot.settings import BotSettings, FloodLimits
from drills.bot.flows import FLOWS, Guest, Pictures
from serve_app.inventory import inventory_of
from serve_app.local import studio
from serve_app.settings import Settings
from serve_app.topology import BOT_ROUTE

Mode = Literal["polling", "webhook"]

MODES: tuple[Mode, ...] = ("polling", "webhook")
NAMES = {"en": "Ann", "ru": "Анна"}
PATIENCE_S = 60.0
SEEN_PICTURES_ARE_THERE = """[...document.images].every(image => {
    const box = image.getBoundingClientRect();
    return box.bottom < 0 || box.top > innerHeight || image.complete;
})"""
WINDOW = {"width": 720, "height": 1180}


def pictures(models: Path) -> Pictures:
    """The sample photos of the starter models. Raises ``FileNotFoundError`` without them."""
    folder = next(iter(sorted((models / "sample-photos").glob("v*"), reverse=True)), models / "sample-photos")
    alone, tiny, many = (folder / name for name in ("astronaut.png", "tom-hanks.png", "card-players.jpg"))
    return Pictures(alone.read_bytes(), tiny.read_bytes(), many.read_bytes())


def hang(folder: Path, shown: Pictures) -> Path:
    """A gallery of two works, with one face and with several."""
    folder.mkdir()
    works = {"astronaut": shown.alone, "card-players": shown.many}
    for name, picture in works.items():
        (folder / name).write_bytes(picture)
    entries = [
        {"id": name, "file": name, "title": name.replace("-", " ").capitalize(), "artist": "Nobody", "year": "1990"}
        | {"licence": "LicenseRef-sample"}
        for name in works
    ]
    (folder / "artworks.yaml").write_text(yaml.safe_dump(entries))
    return folder


@contextlib.asynccontextmanager
async def opened(mode: Mode, settings: Settings, playground: Playground) -> AsyncIterator[None]:
    """The bot in this mode: by webhook as two replicas beside the graph, or polling as a process."""
    # Only now: Ray reads its environment, which the studio has set, when it is imported.
    from ray import serve

    from bot.app import build
    from bot.process import with_telegram

    inventory, tariff = inventory_of(settings), Tariff(free_daily=50)
    references = {conflict.model.partition("@")[0]: "a drill" for conflict in conflicts(inventory, tariff.sold, {})}
    bot = BotSettings(
        token=SecretStr(playground.token),
        api_url=playground.url,
        mode=mode,
        webhook_url=f"http://{settings.host}:{settings.port}{BOT_ROUTE}",
        webhook_secret=SecretStr("a-webhook-secret-for-drills-only"),
        tariff=tariff,
        licence_references=references,
        flood=FloodLimits(per_minute=600, burst=200),
    )
    if mode == "webhook":
        await asyncio.to_thread(serve.run, build(bot, settings), name="bot", route_prefix=BOT_ROUTE)
        try:
            yield
        finally:
            await asyncio.to_thread(serve.delete, "bot")
        return
    listening = asyncio.Event()
    polling = asyncio.create_task(with_telegram(bot, settings, inventory, listening.set))
    try:
        await listening.wait()
        yield
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)


async def visit(settings: Settings, shown: Pictures, folder: Path) -> None:
    """Try every flow in both modes and in every language."""
    words = Translations.load()
    async with Playground(BotProfile(privacy_mode=False), patience=PATIENCE_S) as playground:
        seen: list[tuple[str, int]] = []
        for mode in MODES:
            async with opened(mode, settings, playground):
                for name in FLOWS:
                    guests = {
                        language: Guest(
                            playground.person(NAMES.get(language, "Ann"), language=language),
                            words.words(language),
                            shown,
                            playground,
                        )
                        for language in words.languages
                    }
                    await asyncio.gather(*(_try(mode, name, guest) for guest in guests.values()))
                    if mode == "polling":
                        seen += [(f"{name}-{language}", guest.person.user.id) for language, guest in guests.items()]
        # Two replicas set the webhook at the same moment, and one of them is told to wait.
        refused = [refusal for refusal in playground.refusals if not refusal.startswith("setwebhook")]
        _print({"refusals": refused})
        await _photograph(playground, seen, folder)


async def _try(mode: Mode, name: str, guest: Guest) -> None:
    began, error = time.monotonic(), ""
    try:
        await FLOWS[name](guest)
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"
    seconds = round(time.monotonic() - began, 1)
    _print({"mode": mode, "language": guest.words.language, "flow": name, "seconds": seconds, "error": error})


async def _photograph(playground: Playground, chats: Sequence[tuple[str, int]], folder: Path) -> None:
    """The ends of these people's chats as the playground's page shows them."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, person in chats:
            # The page's policy forbids what waits for its pictures here.
            context = await browser.new_context(viewport=WINDOW, bypass_csp=True)  # type: ignore[arg-type]  # a dict does
            await context.add_init_script(f"sessionStorage.setItem('person', '{person}')")
            page = await context.new_page()
            await page.goto(playground.page_url)
            await page.locator("[role=log] > *").first.wait_for()
            await page.wait_for_function(SEEN_PICTURES_ARE_THERE)
            await page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=80, animations="disabled")
            await context.close()
        await browser.close()


def _print(fact: dict[str, object]) -> None:
    print(json.dumps(fact, ensure_ascii=False), flush=True)


def main(folder: Path) -> None:
    """Open a studio in a folder of its own, try everything, and leave nothing behind but the pictures in ``folder``."""
    with tempfile.TemporaryDirectory(prefix="drill-") as scratch:
        models = Settings().store_dir
        shown = pictures(models)
        works = hang(Path(scratch) / "artworks", shown)
        settings = Settings(data_dir=Path(scratch), models_dir=models, artworks_dir=works, port=free_port())
        with studio(settings):
            asyncio.run(visit(settings, shown, folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
