"""A playground on a free port, and a small bot of aiogram's that uses what ours does."""

from __future__ import annotations

import html
import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.filters import Command, CommandStart
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultCachedPhoto,
    InputMediaPhoto,
    LabeledPrice,
    Message,
    PreCheckoutQuery,
)
from PIL import Image

from bot.playground.host import Playground
from bot.playground.limits import Limits


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground(limits=Limits(enforced=False)) as running:
        yield running


@pytest.fixture
async def bot(playground: Playground) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(playground.url))
    bot = Bot(playground.token, session=session)
    yield bot
    await session.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def make_picture() -> Callable[..., bytes]:
    def make(width: int = 200, height: int = 100, kind: str = "JPEG") -> bytes:
        encoded = io.BytesIO()
        Image.new("RGB", (width, height), (200, 80, 40)).save(encoded, kind)
        return encoded.getvalue()

    return make


@pytest.fixture
def sample_dispatcher() -> Dispatcher:
    """Texts, files, albums, buttons, money, inline results."""
    dispatcher = Dispatcher()
    dispatcher["charges"] = []
    dispatcher["subscriptions"] = []

    @dispatcher.message(CommandStart())
    async def start(message: Message) -> None:
        buttons = [[InlineKeyboardButton(text="Go", callback_data="go:1")]]
        name = html.escape(message.from_user.first_name) if message.from_user else ""
        markup = InlineKeyboardMarkup(inline_keyboard=buttons)
        await message.answer(f"<b>Hello, {name}</b>", parse_mode="HTML", reply_markup=markup)

    @dispatcher.callback_query()
    async def go(query: CallbackQuery) -> None:
        await query.answer("Going", show_alert=True)
        assert isinstance(query.message, Message)
        await query.message.edit_text(f"went {query.data}")

    @dispatcher.message(Command("buy"))
    async def buy(message: Message, bot: Bot) -> None:
        prices = [LabeledPrice(label="Pack", amount=50)]
        await message.answer_invoice("Pack", "Ten credits", "pack", "XTR", prices)
        link = await bot.create_invoice_link("Month", "Unlimited", "month", "XTR", prices, subscription_period=2592000)
        await message.answer(link)

    @dispatcher.pre_checkout_query()
    async def check(query: PreCheckoutQuery) -> None:
        await query.answer(ok=True)

    @dispatcher.message(F.successful_payment)
    async def paid(message: Message, charges: list[str]) -> None:
        assert message.successful_payment is not None
        charges.append(message.successful_payment.telegram_payment_charge_id)
        await message.answer("Thank you")

    @dispatcher.subscription()
    async def subscription(change: Any, subscriptions: list[str]) -> None:
        subscriptions.append(change.state)

    @dispatcher.inline_query()
    async def inline(query: InlineQuery) -> None:
        await query.answer([InlineQueryResultCachedPhoto(id="1", photo_file_id=query.query)], cache_time=0)

    @dispatcher.message(F.photo | F.document)
    async def picture(message: Message, bot: Bot) -> None:
        source = message.photo[-1] if message.photo else message.document
        assert source is not None
        data = await bot.download(source)
        assert data is not None
        content = data.read()
        await bot.send_chat_action(message.chat.id, "upload_photo")
        sent = await message.reply_photo(BufferedInputFile(content, "a.jpg"), caption=f"{len(content)} bytes")
        assert sent.photo is not None
        again = InputMediaPhoto(media=sent.photo[-1].file_id, caption="first")
        await message.answer_media_group([again, InputMediaPhoto(media=BufferedInputFile(content, "b.jpg"))])
        await message.answer_document(BufferedInputFile(content, "original.jpg"))

    @dispatcher.message(F.text)
    async def echo(message: Message) -> None:
        await message.reply(html.escape(message.text or ""), parse_mode="HTML")

    return dispatcher
