"""Fetching what people send."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime

import aiohttp
import pytest
from aiogram.types import Chat, Message, PhotoSize
from yarl import URL

from bot.routers.photos import fetch

ADDRESS = "https://api.telegram.org/file/bot123:secret-token/photos/file_0.jpg"


class Failing:
    """A bot whose downloads are refused by the file server, which names the address in its error."""

    async def download(self, file: PhotoSize) -> None:
        request = aiohttp.RequestInfo(URL(ADDRESS), "GET", {}, URL(ADDRESS))  # type: ignore[arg-type]
        raise aiohttp.ClientResponseError(request, (), status=404, message="Not Found")


async def test_a_download_that_breaks_off_names_no_address_for_that_holds_the_token() -> None:
    photo = PhotoSize(file_id="a", file_unique_id="b", width=9, height=9)
    message = Message(message_id=1, date=datetime.now(UTC), chat=Chat(id=1, type="private"), photo=[photo])
    with pytest.raises(OSError, match="the download broke off") as failure:
        await fetch(Failing(), message, 1000)  # type: ignore[arg-type]
    assert "secret-token" not in "".join(traceback.format_exception(failure.value))
