"""The Bot API over HTTP: ``/bot<token>/<method>`` and ``/file/bot<token>/<path>``, with the faults a drill asks for."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from aiohttp import web

from bot.playground.api import METHODS, BotApi
from bot.playground.call import Call
from bot.playground.clock import Clock
from bot.playground.errors import ApiError, too_many_requests
from bot.playground.faults import Injector, Outcome
from bot.playground.files import MAX_UPLOAD
from bot.playground.http_calls import read_call

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
            return await read_call(request, method)
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
