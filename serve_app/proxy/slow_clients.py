"""Clients that send or read slowly wait outside: the replica's places are for requests that can be worked on.

A replica has a number of places, and Serve gives one to every request from its first byte to the last of its answer: some
dozens of clients that trickle would shut the studio for everybody (slow POST and slow read, CWE-400).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.errors import Busy
from serve_app.http.asgi import HttpMiddleware
from serve_app.http.problem_document import MEDIA_TYPE, encoded

# A body may stall for so long, and on average has to come at this pace: slower than any telephone.
GRACE_S: Final = 20.0
BYTES_PER_S: Final = 16 * 1024

# Of all bodies that are here, until they are answered, and of all answers until they are read: a hundred photos from telephones.
MOST_OF_ALL: Final = 512 * 2**20
# As much of an answer as is handed to the server at a time.
PIECE: Final = 64 * 2**10
RETRY_AFTER_S: Final = 5
# So long a gateway has to refuse a request by its head: nothing beside the time that so large a body takes.
REFUSAL_S: Final = 0.5

Clock = Callable[[], float]

_GONE: Final[Message] = {"type": "http.disconnect"}


class BodyPace(HttpMiddleware):
    """Answers 408 and hangs up on a body that trickles: that falls ``grace_s`` behind ``bytes_per_s``."""

    def __init__(
        self,
        app: ASGIApp,
        grace_s: float = GRACE_S,
        bytes_per_s: float = BYTES_PER_S,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(app)
        self._grace_s = grace_s
        self._bytes_per_s = bytes_per_s
        self._clock = clock

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        deadline = self._clock() + self._grace_s
        whole, answered, hung_up = False, False, False

        async def paced() -> Message:
            nonlocal deadline, whole, answered, hung_up
            if whole or hung_up:
                return _GONE if hung_up else await receive()
            try:
                async with asyncio.timeout(max(0.0, deadline - self._clock())):
                    message = await receive()
            except TimeoutError:
                hung_up = True
                if not answered:
                    answered = True
                    detail = "The request did not arrive in time."
                    refusal = _refusal(scope, "request-timeout", "Request Timeout", HTTPStatus.REQUEST_TIMEOUT, detail)
                    await refusal(scope, receive, send)
                return _GONE
            # Who was quick has earned no longer silence: only what is late can be made up for.
            earned = len(message.get("body", b"")) / self._bytes_per_s
            deadline = min(deadline + earned, self._clock() + self._grace_s)
            whole = not message.get("more_body", False)
            return message

        async def once(message: Message) -> None:
            nonlocal answered
            if hung_up:
                return
            answered = True
            await send(message)

        await self._app(scope, paced, once)


@dataclass(eq=False)
class _Guest:
    """How many bytes are kept of a client's request, or for it of an answer."""

    size: int = 0
    patience: asyncio.Timeout | None = None
    sent_away: bool = False


class Anteroom(HttpMiddleware):
    """Lets a request in when all of it is here, and gives out its answer when the application is done with it.

    Keeps up to ``most_of_one`` bytes of a body (what is longer goes in at once, and is read as it comes) and ``most_of_all``
    of all bodies and answers together. Beyond that, room is made by whoever has been sending or reading longest: who sends
    is told to come again (429), who reads is hung up on.
    """

    def __init__(self, app: ASGIApp, most_of_one: int, most_of_all: int = MOST_OF_ALL) -> None:
        super().__init__(app)
        self._most_of_one = most_of_one
        self._most_of_all = most_of_all
        self._kept = 0
        # Who is sending or reading, whoever began first in front.
        self._waited_for: dict[_Guest, None] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = Headers(scope=scope).get("content-length", "")
        guest = _Guest()
        answer: list[Message] = []
        try:
            if declared.isdigit() and int(declared) > self._most_of_one:
                await _judged_by_its_head(self._app, scope, receive, send, answer)
            else:
                request = await self._gathered(guest, receive)
                if guest.sent_away:
                    await _no_room(scope)(scope, receive, send)
                if not request:
                    return
                await self._app(scope, _after(request, receive), _kept_in(answer))
            # Others make room for what was worked out already.
            self._keep(guest, sum(len(message.get("body", b"")) for message in answer) - guest.size)
            async with self._turn(guest):
                await _give_out(answer, guest, send)
        finally:
            self._keep(guest, -guest.size)

    async def _gathered(self, guest: _Guest, receive: Receive) -> list[Message]:
        """The request as one message; none where its client left, or was sent away."""
        body: list[bytes] = []
        more = True
        async with self._turn(guest):
            while more and guest.size <= self._most_of_one and not guest.sent_away:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return []
                body.append(message.get("body", b""))
                more = message.get("more_body", False)
                self._keep(guest, len(body[-1]))
        return [] if guest.sent_away else [{"type": "http.request", "body": b"".join(body), "more_body": more}]

    @asynccontextmanager
    async def _turn(self, guest: _Guest) -> AsyncIterator[None]:
        """While a client sends or reads; left early when it is sent away."""
        try:
            async with asyncio.timeout(None) as guest.patience:
                self._waited_for[guest] = None
                yield
        except TimeoutError:
            if not guest.sent_away:
                raise
        finally:
            self._waited_for.pop(guest, None)

    def _keep(self, guest: _Guest, size: int) -> None:
        """Count ``size`` bytes more, and send away as many as it takes."""
        guest.size += size
        self._kept += size
        while self._kept > self._most_of_all and self._waited_for:
            longest = next(iter(self._waited_for))
            del self._waited_for[longest]
            longest.sent_away = True
            self._kept -= longest.size
            longest.size = 0
            assert longest.patience is not None
            longest.patience.reschedule(0)


def _no_room(scope: Scope) -> Response:
    detail = "Too many uploads are on their way right now."
    return _refusal(scope, Busy.slug, Busy.title, Busy.status, detail, **{"Retry-After": str(RETRY_AFTER_S)})


async def _judged_by_its_head(app: ASGIApp, scope: Scope, receive: Receive, send: Send, answer: list[Message]) -> None:
    """Let ``app`` answer before anything is asked of the client, who may have done so first (Expect: 100-continue)."""
    answered = asyncio.Event()

    async def asked() -> Message:
        with suppress(TimeoutError):
            async with asyncio.timeout(REFUSAL_S):
                await answered.wait()
        # Once is enough.
        answered.set()
        while answer:
            await send(answer[0])
            del answer[0]
        return await receive()

    async def noted(message: Message) -> None:
        answer.append(message)
        answered.set()

    waiting = Headers(scope=scope).get("expect", "").lower() == "100-continue"
    await app(scope, asked if waiting else receive, noted)


def _after(waiting: list[Message], receive: Receive) -> Receive:
    """What is ``waiting``, of which nothing is kept here once it is heard, and then what ``receive`` says."""

    async def heard() -> Message:
        return waiting.pop() if waiting else await receive()

    return heard


def _kept_in(answer: list[Message]) -> Send:
    async def keep(message: Message) -> None:
        answer.append(message)

    return keep


async def _give_out(answer: list[Message], guest: _Guest, send: Send) -> None:
    """Send ``answer`` in pieces, each when the ones before are on their way: the server has no end of room for what waits."""
    for message in answer:
        body = message.get("body", b"")
        for start in range(0, max(1, len(body)), PIECE):
            if guest.sent_away:
                return
            if len(body) <= PIECE:
                await send(message)
            else:
                more = message.get("more_body", False) or start + PIECE < len(body)
                await send({**message, "body": body[start : start + PIECE], "more_body": more})


def _refusal(scope: Scope, slug: str, title: str, status: int, detail: str, **headers: str) -> Response:
    """A problem document for a client that may still be sending, and is hung up on."""
    body = encoded(slug, title, status, detail, instance=f"urn:request:{Headers(scope=scope)['x-request-id']}")
    return Response(body, status, {"Connection": "close", **headers}, MEDIA_TYPE)
