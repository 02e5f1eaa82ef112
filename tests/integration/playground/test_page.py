"""The chat page in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiogram import Bot, Dispatcher
from playwright.async_api import Page, async_playwright, expect

from bot.playground.host import Playground
from tests.chromium import CHROMIUM, FLAGS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.fixture
async def page(playground: Playground, bot: Bot, sample_dispatcher: Dispatcher) -> AsyncIterator[Page]:
    polling = asyncio.create_task(sample_dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(locale="en", viewport={"width": 390, "height": 844})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(playground.page_url)
        yield page
        await browser.close()
    await sample_dispatcher.stop_polling()
    await polling
    assert problems == []


async def introduce(page: Page, name: str, language: str) -> None:
    await page.get_by_role("textbox", name="Name").fill(name)
    await page.get_by_role("radio", name=language).check()
    await page.keyboard.press("Enter")


async def test_someone_meets_the_bot_with_the_keyboard_alone(page: Page) -> None:
    await introduce(page, "Anna <b>x</b>", "English")
    await page.get_by_role("button", name="Start", exact=True).press("Enter")
    log = page.get_by_role("log")
    await expect(log.get_by_text("Hello, Anna <b>x</b>")).to_be_visible()
    await log.get_by_role("button", name="Go").press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Going")
    await page.keyboard.press("Enter")
    await expect(log.get_by_text("went go:1")).to_be_visible()


async def test_pictures_are_attached_and_shown(page: Page, tmp_path: Path, make_picture: Callable[..., bytes]) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(make_picture(600, 400))
    await introduce(page, "Anna", "English")
    await page.locator("#photos").set_input_files(picture)
    await page.get_by_label("Message", exact=True).press("Enter")
    log = page.get_by_role("log")
    await expect(log.locator(".pictures.many img")).to_have_count(2)
    await expect(log.get_by_text("original.jpg")).to_be_visible()
    await page.wait_for_function(
        "[...document.querySelectorAll('.pictures img')].every(image => image.naturalWidth === 600)"
    )


async def test_an_invoice_is_paid_with_play_money_in_russian(page: Page) -> None:
    await introduce(page, "Борис", "Русский")
    await page.get_by_label("Сообщение", exact=True).fill("/buy")
    await page.keyboard.press("Enter")
    await page.get_by_role("log").get_by_role("button", name="50").click()
    await expect(page.get_by_role("dialog")).to_contain_text("У вас 1000 ★")
    await page.get_by_role("button", name="Заплатить").click()
    await expect(page.get_by_role("log").get_by_text("Thank you")).to_be_visible()
    await expect(page.locator("#me")).to_contain_text("950 ★")


async def test_nothing_is_wider_than_a_phone(page: Page) -> None:
    await introduce(page, "A" * 64, "English")
    await page.get_by_role("button", name="Start", exact=True).click()
    await page.get_by_label("Message", exact=True).fill("w" * 300)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log").get_by_text("w" * 300).nth(1)).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_browser_that_stores_nothing_chats_all_the_same(page: Page) -> None:
    await page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('', 'SecurityError') } })"
    )
    await page.reload()
    await introduce(page, "Anna", "English")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("log").get_by_text("Hello, Anna")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("log").get_by_text("Hello, Anna")).to_be_visible()


async def test_a_page_that_stays_empty_says_what_to_do(page: Page) -> None:
    advice = page.get_by_text("This page has not arrived whole.")
    await expect(advice).to_have_count(0)
    await page.route("**/api/state*", lambda _: None)
    await page.reload()
    await expect(advice).to_be_visible(timeout=20_000)


async def test_what_is_no_picture_is_called_what_it_is(page: Page, playground: Playground) -> None:
    anna = playground.person("Anna", language="ru")
    await page.reload()
    await anna.send_other("sticker")
    await anna.send_other("voice")
    await anna.send_document(b"notes", "README", "text/plain")
    await anna.send_document(b"notes", "notes.tar.gz", "application/gzip")
    shown = page.get_by_role("log").locator(".document")
    await expect(shown).to_have_count(4)
    assert [" ".join((await link.inner_text()).split()) for link in await shown.all()] == [
        "☺ Стикер 1 KB", "♪ Голосовое сообщение 1 KB", "≡ README 1 KB", "GZ notes.tar.gz 1 KB"
    ]  # fmt: skip
    family = playground.group("Family", anna)
    family.set_bot_status(anna, "kicked")
    family.set_bot_status(anna, "member")
    (joined,) = [message for message in family.group.messages.values() if "new_chat_members" in message.content][-1:]
    await anna.say("welcome", to=family, reply_to=joined)
    await page.reload()
    await page.locator("#menu").click()
    await page.get_by_role("button", name="Family").click()
    await expect(page.get_by_role("log").locator(".quote").first).to_have_text("Anna: Бот добавлен в группу")


def hang_up(playground: Playground) -> None:
    """End the streams of events; browsers connect again by themselves."""
    for stream in playground._control._streams:
        stream.put_nowait(None)


async def test_what_could_not_be_sent_stays_to_be_sent(page: Page, tmp_path: Path) -> None:
    thin = tmp_path / "thin.jpg"
    thin.write_bytes(b"no picture")
    await introduce(page, "Anna", "English")
    await page.evaluate("""() => {
        const plain = window.fetch;
        window.fetch = async (path, options) => {
            if (!String(path).endsWith("/messages")) return plain(path, options);
            window.fetch = plain;
            return new Response(JSON.stringify({ error: "too thin" }), { status: 400 });
        };
    }""")
    await page.locator("#photos").set_input_files(thin)
    text = page.get_by_label("Message", exact=True)
    await text.fill("paint me")
    await text.press("Enter")
    await expect(page.locator("#toast")).to_have_text("too thin")
    await expect(text).to_have_value("paint me")
    await page.get_by_role("button", name="Remove thin.jpg").click()
    await text.press("Enter")
    await expect(page.get_by_role("log").get_by_text("paint me").first).to_be_visible()
    await expect(text).to_have_value("")


async def test_what_was_said_while_the_connection_was_lost_is_there_afterwards(
    page: Page, playground: Playground, bot: Bot
) -> None:
    await introduce(page, "Anna", "English")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_role("log").get_by_text("Hello, Anna")).to_be_visible()
    hang_up(playground)
    (anna,) = playground.telegram.users
    await bot.send_message(anna, "Still there?")
    await expect(page.get_by_role("log").get_by_text("Still there?")).to_be_visible(timeout=15_000)


async def test_a_page_that_finds_another_playground_in_the_same_place_asks_who_is_writing(
    page: Page, playground: Playground
) -> None:
    await introduce(page, "Anna", "English")
    await expect(page.locator("#me")).to_contain_text("Anna")
    playground.telegram.users.clear()
    playground.telegram.chats.clear()
    hang_up(playground)
    await expect(page.get_by_role("textbox", name="Name")).to_be_visible(timeout=15_000)
    await introduce(page, "Berta", "English")
    await expect(page.locator("#me")).to_contain_text("Berta")


async def test_who_reads_the_page_in_russian_is_taken_for_somebody_who_writes_it(
    page: Page, playground: Playground
) -> None:
    russian = await page.context.browser.new_page(locale="ru")  # type: ignore[union-attr]  # it has one
    await russian.goto(playground.page_url)
    await expect(russian.get_by_role("radio", name="Русский")).to_be_checked()
