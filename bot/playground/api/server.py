"""The Bot API over HTTP: ``/bot<token>/<method>`` and ``/file/bot<token>/<path>``, with the faults a drill asks for."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import Any

from aiohttp import hdrs, web

from bot.playground.api import METHODS, BotApi
from bot.playground.api.call import Call, Upload
from bot.playground.clock import Clock
from bot.playground.faults import Injector, Outcome
from bot.playground.telegram.errors import ApiError, bad_request, too_many_requests
from bot.playground.telegram.files import MAX_UPLOAD

_ENVELOPE = 2**20
"""What a request may hold beside a file of the greatest size."""
_KEPT_REFUSALS = 200
_FAULTY = ("send", "edit", "copy", "forward")
_NEVER_FAULTY = {"sendchataction"}


class BotApiServer:
    """Routes for an aiohttp application. One bot, known by its token."""

    def __init__(self, api: BotApi, injector: Injector) -> None:
        self._api = api
        self.injector = injector
        self.refusals: deque[str] = deque(maxlen=_KEPT_REFUSALS)
        self._clock: Clock = api.telegram.clock

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_UPLOAD + _ENVELOPE)
        app.router.add_route("*", "/bot{token:[^/]*}/{method}", self._method)
        app.router.add_get("/file/bot{token:[^/]*}/{path:.+}", self._file)
        return app

    async def _execute(self, request: web.Request, call: Call) -> Any:
        """Carry out a call; raises `ApiError`. A refusal is noted if somebody is there to hear it."""
        try:
            handler = METHODS.get(call.method)
            if handler is None:
                raise ApiError(404, "Not Found: method not found")
            return await handler(self._api, call)
        except ApiError as error:
            if request.transport is not None:
                self.refusals.append(f"{call.method}: {error.description}")
            raise

    async def _method(self, request: web.Request) -> web.Response:
        method = request.match_info["method"].lower()
        try:
            self._check_token(request.match_info["token"])
            call = await self._read(request, method)
            return await self._with_faults(request, call)
        except ApiError as error:
            return _refusal(error)

    async def _with_faults(self, request: web.Request, call: Call) -> web.Response:
        if call.method != "getupdates" and (delay := self.injector.next_delay()) > 0:
            await self._clock.sleep(delay)
        outcome: Outcome = "proceed"
        if call.method.startswith(_FAULTY) and call.method not in _NEVER_FAULTY:
            outcome = self.injector.next_outcome()
        match outcome:
            case "too_many_requests":
                raise too_many_requests(1)
            case "server_error":
                raise ApiError(500, "Internal Server Error")
            case "cut_before":
                return _cut(request)
            case "cut_after":
                await self._execute(request, call)
                return _cut(request)
            case "proceed":
                result = await self._execute(request, call)
        return web.json_response({"ok": True, "result": result}, dumps=_dumps)

    async def _read(self, request: web.Request, method: str) -> Call:
        try:
            return await _read_call(request, method)
        except web.HTTPRequestEntityTooLarge as error:
            raise ApiError(413, "Request Entity Too Large") from error

    async def _file(self, request: web.Request) -> web.StreamResponse:
        try:
            self._check_token(request.match_info["token"])
            blob = self._api.telegram.files.at_path(request.match_info["path"], self._clock.time())
            if blob is None:
                raise ApiError(404, "Not Found")
        except ApiError as error:
            return _refusal(error)
        return web.FileResponse(blob.path, headers={"Content-Type": "application/octet-stream"})

    def _check_token(self, token: str) -> None:
        if ":" not in token or not token.split(":", 1)[0].isdigit():
            raise ApiError(401, "Unauthorized: invalid token specified")
        if token != self._api.telegram.bot.token:
            raise ApiError(401, "Unauthorized")


async def _read_call(request: web.Request, method: str) -> Call:
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


def _refusal(error: ApiError) -> web.Response:
    headers = {}
    if error.parameters and "retry_after" in error.parameters:
        headers["Retry-After"] = str(error.parameters["retry_after"])
    return web.json_response(error.json(), status=error.code, headers=headers)


def _cut(request: web.Request) -> web.Response:
    """Break the connection off; the response is for a reader who is no longer there."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
