"""What the chat page talks to: people act through it, and it streams what they would see."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web

from bot.playground.api import BotApi
from bot.playground.api.profile import shown_commands
from bot.playground.clock import happens_within
from bot.playground.telegram.errors import ApiError
from bot.playground.telegram.files import MAX_UPLOAD, Asset
from bot.playground.telegram.interactions import InlineQuery
from bot.playground.telegram.model import Chat, Event, Json, Message, User
from bot.playground.telegram.payments import PaymentFailed
from bot.playground.telegram.people import NotPossible, People
from bot.playground.telegram.pictures import MAX_PHOTO_BYTES
from bot.playground.telegram.text import format_text

_WEB = Path(__file__).parent / "web"
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_OWN_HEADER = "X-Playground"
_LOCAL_NAMES = {"127.0.0.1", "localhost", "[::1]"}
_PICTURES = {"image/jpeg", "image/png", "image/webp", "image/gif"}
_WELCOME_STARS = 1000
_ALBUM = 10
_HEARTBEAT = 15.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The page and its interface, under ``/playground``."""

    def __init__(self, api: BotApi, people: People) -> None:
        self._api = api
        self._people = people
        self._telegram = api.telegram
        self._streams: set[asyncio.Queue[Json | None]] = set()
        self._inline: dict[str, InlineQuery] = {}
        self._telegram.listeners.append(self._broadcast)

    def application(self) -> web.Application:
        # A person may pick an album of the largest files at once.
        app = web.Application(middlewares=[self._guard], client_max_size=_ALBUM * MAX_UPLOAD)
        app.router.add_get("/", self._page)
        app.router.add_get("/api/state", self._state)
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/files/{file_id}", self._file)
        app.router.add_get("/api/chats/{chat}", self._history)
        app.router.add_post("/api/chats/{chat}/messages", self._send)
        app.router.add_post("/api/chats/{chat}/taps", self._tap)
        app.router.add_post("/api/payments", self._pay)
        app.router.add_post("/api/inline", self._ask_inline)
        app.router.add_post("/api/inline/shared", self._share)
        app.router.add_post("/api/people", self._add_person)
        app.router.add_post("/api/people/{user_id}/block", self._block)
        app.router.add_post("/api/groups", self._add_group)
        app.router.add_static("/static", _WEB)
        return app

    def close(self) -> None:
        """End the streams, which would otherwise keep the server from stopping."""
        self._telegram.listeners.remove(self._broadcast)
        for stream in self._streams:
            stream.put_nowait(None)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep other origins out: no foreign host names, and no posts that a form elsewhere could make."""
        if request.host.rsplit(":", 1)[0] not in _LOCAL_NAMES:
            raise web.HTTPForbidden(text="this page answers to local names only")
        if request.method == hdrs.METH_POST and _OWN_HEADER not in request.headers:
            raise web.HTTPForbidden(text=f"posts need the header {_OWN_HEADER}")
        try:
            response = await handler(request)
        except (ApiError, NotPossible, PaymentFailed, KeyError, TypeError, ValueError) as error:
            reason = error.description if isinstance(error, ApiError) else str(error) or type(error).__name__
            response = web.json_response({"error": reason}, status=422)
        if not response.prepared:
            for name, value in _SECURITY_HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    # -- seeing --------------------------------------------------------------------------------------------------------

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_WEB / "index.html")

    async def _state(self, request: web.Request) -> web.StreamResponse:
        groups = [chat for chat in self._telegram.chats.values() if chat.user is None]
        state = {
            "bot": self._telegram.bot.json(),
            "people": [_person_json(user) for user in self._telegram.users.values()],
            "groups": [chat.json() | {"bot_status": chat.bot_status} for chat in groups],
            "commands": shown_commands(self._api, request.query.get("language", "")),
        }
        return web.json_response(state)

    async def _history(self, request: web.Request) -> web.StreamResponse:
        chat = self._telegram.chats.get(int(request.match_info["chat"]))
        return web.json_response([_message_json(message) for message in chat.messages.values()] if chat else [])

    async def _file(self, request: web.Request) -> web.StreamResponse:
        file_id = request.match_info["file_id"]
        blob, asset = self._telegram.files.blob(file_id), self._telegram.files.find(file_id)
        if blob is None or asset is None:
            raise web.HTTPNotFound
        shown = "image/jpeg" if asset.kind in {"photo", "thumbnail"} else asset.mime
        if shown in _PICTURES:
            # An identifier always means the same bytes.
            headers = {hdrs.CONTENT_TYPE: shown, hdrs.CACHE_CONTROL: "private, max-age=86400, immutable"}
            return web.FileResponse(blob.path, headers=headers)
        # Whatever was uploaded must not become a page of this origin.
        headers = {hdrs.CONTENT_TYPE: "application/octet-stream", hdrs.CONTENT_DISPOSITION: "attachment"}
        return web.FileResponse(blob.path, headers=headers)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream", **_SECURITY_HEADERS})
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._streams.add(queue)
        try:
            await stream.prepare(request)
            await stream.write(b": welcome\n\n")
            while (told := await _next(queue)) is not None:
                await stream.write(told)
        except ConnectionError:
            pass  # The page was closed.
        finally:
            self._streams.discard(queue)
        return stream

    def _broadcast(self, event: Event) -> None:
        told: Json = {"kind": event.kind, "chat_id": event.chat_id, **event.details}
        if event.message is not None:
            told["message"] = _message_json(event.message)
        for stream in self._streams:
            stream.put_nowait(told)

    # -- acting --------------------------------------------------------------------------------------------------------

    async def _add_person(self, request: web.Request) -> web.StreamResponse:
        wanted = await _object(request)
        name = str(wanted.get("first_name") or "").strip()[:64]
        if not name:
            raise ValueError("a person needs a name")
        language = str(wanted.get("language_code") or "en")[:8]
        return web.json_response(
            _person_json(self._telegram.add_user(name, language_code=language, stars=_WELCOME_STARS))
        )

    async def _add_group(self, request: web.Request) -> web.StreamResponse:
        wanted = await _object(request)
        creator = self._user(wanted)
        title = str(wanted.get("title") or "").strip()[:128]
        group = self._telegram.add_group(title, self._telegram.users.values())
        group.bot_status = "left"
        self._people.set_bot_status(group, creator, "member")
        return web.json_response(group.json())

    async def _block(self, request: web.Request) -> web.StreamResponse:
        user = self._user(request.match_info)
        (self._people.unblock if user.blocked_bot else self._people.block)(user)
        return web.json_response(_person_json(user))

    async def _send(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        user = self._user(form)
        chat = self._chat(request, user)
        chat.members.setdefault(user.id, user)
        pictures = [field for field in form.getall("file", []) if isinstance(field, web.FileField)][:_ALBUM]
        reply_to = chat.messages.get(int(str(form.get("reply_to") or 0)))
        text = format_text(str(form.get("text") or ""))
        if pictures:
            contents = [(await self._taken(field, as_file=form.get("as") == "file")).content() for field in pictures]
            contents[0] |= text.fields("caption")
        elif text.text:
            contents = [text.fields("text")]
        else:
            raise ValueError("the message is empty")
        album = str(secrets.randbits(60)) if len(contents) > 1 else None
        for content in contents:
            self._people.send(user, chat, content, media_group_id=album, reply_to=reply_to)
        return web.json_response({})

    async def _taken(self, field: web.FileField, *, as_file: bool) -> Asset:
        data = await asyncio.to_thread(field.file.read)
        files = self._telegram.files
        if as_file or len(data) > MAX_PHOTO_BYTES:
            mime = mimetypes.guess_type(field.filename)[0] or field.content_type
            return await asyncio.to_thread(files.add_file, "document", data, name=field.filename, mime=mime)
        return await asyncio.to_thread(files.add_photo, data)

    async def _tap(self, request: web.Request) -> web.StreamResponse:
        wanted = await _object(request)
        user = self._user(wanted)
        message = self._chat(request, user).messages[int(wanted["message_id"])]
        tap = self._api.interactions.tap(user, message, str(wanted["data"]))
        wait = self._telegram.deadlines.callback_answer
        await happens_within(tap.answered, wait, self._telegram.clock)
        return web.json_response(tap.answer or {})

    async def _pay(self, request: web.Request) -> web.StreamResponse:
        wanted = await _object(request)
        user = self._user(wanted)
        if wanted.get("link"):
            invoice = self._telegram.ledger.by_link(str(wanted["link"]))
        else:
            message = self._telegram.chats[int(wanted["chat_id"])].messages[int(wanted["message_id"])]
            if message.invoice is None:
                raise ValueError("there is nothing to pay for")
            invoice = message.invoice
        await self._api.cashier.outcome(self._api.cashier.open(user, invoice))
        return web.json_response(_person_json(user))

    async def _ask_inline(self, request: web.Request) -> web.StreamResponse:
        wanted = await _object(request)
        query = self._api.interactions.ask_inline(self._user(wanted), str(wanted.get("query") or ""))
        wait = self._telegram.deadlines.inline_answer
        if await happens_within(query.answered, wait, self._telegram.clock):
            self._inline[query.id] = query
        results = query.answer["results"] if query.answer else []
        return web.json_response({"query_id": query.id, "results": results})

    async def _share(self, request: web.Request) -> web.StreamResponse:
        wanted = await _object(request)
        query = self._inline.pop(str(wanted["query_id"]))
        results = query.answer["results"] if query.answer else []
        chosen = next(result for result in results if result["id"] == wanted["result_id"])
        self._people.share(query.user, chosen, self._telegram.chats[int(wanted["chat_id"])], query)
        return web.json_response({})

    def _user(self, given: Mapping[str, Any]) -> User:
        return self._telegram.users[int(given["user_id"])]

    def _chat(self, request: web.Request, user: User) -> Chat:
        chat_id = int(request.match_info["chat"])
        return self._telegram.private_chat(user) if chat_id == user.id else self._telegram.chats[chat_id]


async def _object(request: web.Request) -> Json:
    wanted = await request.json()
    if not isinstance(wanted, dict):
        raise TypeError("an object was expected")
    return wanted


async def _next(queue: asyncio.Queue[Json | None]) -> bytes | None:
    try:
        async with asyncio.timeout(_HEARTBEAT):
            told = await queue.get()
    except TimeoutError:
        return b": still here\n\n"
    return None if told is None else f"data: {json.dumps(told)}\n\n".encode()


def _person_json(user: User) -> Json:
    return user.json() | {"stars": user.stars, "blocked_bot": user.blocked_bot}


def _message_json(message: Message) -> Json:
    shown = message.json() | {"by_bot": message.by_bot}
    # The Bot API leaves these keyboards out of a message, but people see them.
    if message.reply_markup is not None:
        shown["reply_markup"] = message.reply_markup
    return shown
