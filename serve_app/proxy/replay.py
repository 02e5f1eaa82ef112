"""Requests whose replica died are sent to another one, before the client learns of it.

Serve retries nothing that has reached a replica: when a gateway's replica dies, the proxy ends the request without an
answer, and the server around it says 500. Here what is safe to do twice is sent again; of the rest the client is told
what is known. A proxy that has only just started may know of no routes yet and says 404 in plain text, which the graph
never does: such a request has reached nobody, and is sent again whatever it was. Runs in the proxy
(:func:`serve_app.proxy.middlewares.middlewares`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.http.asgi import HttpMiddleware
from serve_app.http.problem_document import MEDIA_TYPE, encoded

# Work that leaves nothing behind: whoever asks twice gets two answers and no harm.
WORK = frozenset(
    f"/v1/{name}" for name in ("style", "swap", "anonymize", "moderate", "authenticity", "faces", "lookalike")
)
JOBS = "/v1/jobs"
IDEMPOTENCY_KEY = "idempotency-key"

# Serve needs a moment to notice that a replica is gone.
PAUSES_S = (0.02, 0.1, 0.2, 0.4, 0.8, 0.8, 0.8)
# Whoever has waited this long already is not kept waiting for another whole try.
PATIENCE_S = 20.0

Pause = Callable[[float], Awaitable[None]]


def repeatable(method: str, path: str, header_names: Iterable[str]) -> bool:
    """Whether sending a request twice does no more than sending it once.

    ``header_names`` are in lower case; an ``Idempotency-Key`` makes a job's order one order however often it comes.
    """
    if method in {"GET", "HEAD", "OPTIONS", "DELETE"}:
        return True
    return method == "POST" and (path in WORK or (path == JOBS and IDEMPOTENCY_KEY in header_names))


class Replay(HttpMiddleware):
    """Asks again where the application ends without an answer although its client is still there.

    Bodies of up to ``most_of_one`` bytes are kept until they are answered; a larger one cannot be sent again.
    """

    def __init__(
        self, app: ASGIApp, most_of_one: int, pauses_s: Sequence[float] = PAUSES_S, pause: Pause = asyncio.sleep
    ) -> None:
        super().__init__(app)
        self._most_of_one = most_of_one
        self._pauses_s = pauses_s
        self._pause = pause

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        tape = _Tape(receive, self._most_of_one)
        answered = unrouted = False
        # What OPTIONS * asks about lies under no route, and no proxy will ever know one.
        routable = scope["path"].startswith("/")

        async def noted(message: Message) -> None:
            nonlocal answered, unrouted
            unrouted = unrouted or (routable and _knows_no_route(message))
            if not unrouted:
                answered = True
                await send(message)

        names = (name.decode("latin-1").lower() for name, _ in scope["headers"])
        again = repeatable(scope["method"], scope["path"], names)
        began = time.monotonic()
        await self._app(scope, tape.play(), noted)
        for pause_s in self._pauses_s:
            if answered or tape.hung_up or tape.torn or time.monotonic() - began > PATIENCE_S:
                break
            if not (again or unrouted):
                break
            _count()
            await self._pause(pause_s)
            unrouted = False
            await self._app(scope, tape.play(), noted)
        if not answered and not tape.hung_up:
            await _answer_lost(send, again=again or unrouted)


class _Tape:
    """What a client has sent, to be heard from the beginning any number of times."""

    def __init__(self, receive: Receive, longest: int) -> None:
        self._receive = receive
        self._longest = longest
        self._messages: list[Message] = []
        self._bytes = 0
        self.torn = False
        self.hung_up = False

    def play(self) -> Receive:
        """The client's messages from the first on, and then what else it sends."""
        heard = 0

        async def receive() -> Message:
            nonlocal heard
            if heard < len(self._messages):
                heard += 1
                return self._messages[heard - 1]
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.hung_up = True
                return message
            self._bytes += len(message.get("body", b""))
            if self._bytes > self._longest:
                self.torn = True
                self._messages.clear()
            else:
                self._messages.append(message)
                heard += 1
            return message

        return receive


def _knows_no_route(message: Message) -> bool:
    """Whether this begins the 404 of a proxy that has no routes; the graph's own are problem documents."""
    if message["type"] != "http.response.start" or message["status"] != 404:
        return False
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/plain") for name, value in message["headers"]
    )


def _count() -> None:
    # Only here: clients use this module's rules, and are to do without Ray.
    from serve_app.telemetry.metrics import metrics

    metrics().retries.inc(tags={"deployment": "gateway"})


async def _answer_lost(send: Send, *, again: bool) -> None:
    detail = "What was working on this request has stopped; "
    detail += "send it again." if again else "look whether it was carried out before you send it again."
    headers = [(b"content-type", MEDIA_TYPE.encode())]
    headers += [(b"retry-after", b"1")] if again else []
    body = encoded("lost", "Service Unavailable", 503, detail)
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
