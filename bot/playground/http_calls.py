"""HTTP bodies as calls: multipart, url-encoded or JSON, whichever a bot or its answer to an update uses."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import ClientResponse, MultipartReader, hdrs, web

from bot.playground.call import Call, Upload
from bot.playground.errors import ApiError, bad_request


async def read_call(request: web.Request, method: str) -> Call:
    """The call a request makes; raises `ApiError` for a body that cannot be read."""
    args, files = dict(request.query), {}
    if request.content_type == "application/json":
        args |= _json_args(await request.text())
    elif request.method == hdrs.METH_POST and request.body_exists:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                data = await asyncio.to_thread(value.file.read)
                files[name] = Upload(data, value.filename, value.content_type)
            elif isinstance(value, str):
                args[name] = value
    return Call(method.lower(), args, files)


async def read_reply(response: ClientResponse) -> Call | None:
    """The call in a bot's answer to an update, if it put one there."""
    args: dict[str, str] = {}
    files: dict[str, Upload] = {}
    try:
        match response.content_type:
            case "application/json":
                args = _json_args(await response.text())
            case "application/x-www-form-urlencoded":
                args = dict(parse_qsl(await response.text(), keep_blank_values=True))
            case "multipart/form-data":
                await _read_multipart(response, args, files)
            case _:
                return None
    except (ApiError, ValueError):
        return None
    method = args.pop("method", "").lower()
    return Call(method, args, files) if method else None


async def _read_multipart(response: ClientResponse, args: dict[str, str], files: dict[str, Upload]) -> None:
    async for part in MultipartReader.from_response(response):
        if isinstance(part, MultipartReader) or part.name is None:
            continue
        if part.filename is None:
            args[part.name] = await part.text()
        else:
            data = bytes(await part.read(decode=True))
            files[part.name] = Upload(data, part.filename, part.headers.get(hdrs.CONTENT_TYPE))


def _json_args(body: str) -> dict[str, str]:
    try:
        values = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise bad_request("Can't parse request JSON object") from error
    if not isinstance(values, dict):
        raise bad_request("Object expected as request body")
    return {name: _as_text(value) for name, value in values.items() if value is not None}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
