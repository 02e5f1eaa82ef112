"""HTTP requests as calls: multipart, url-encoded or JSON, whichever a bot uses."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import hdrs, web

from bot.playground.call import Call, Upload
from bot.playground.errors import bad_request


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
